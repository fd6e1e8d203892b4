import { describe, expect, it } from 'vitest';
import { createdInOss } from './events.ts';

const KEY = 'staging/upl_01KAQ0000000000000000000AB/00001';

function event(name: string, key = KEY, bucket = 'staging') {
  return {
    eventName: name,
    eventSource: 'acs:oss',
    eventTime: '2026-11-22T01:02:03.000Z',
    eventVersion: '1.0',
    oss: {
      bucket: { arn: `acs:oss:cn-hangzhou:1:${bucket}`, name: bucket, ownerIdentity: '1', virtualBucket: '' },
      object: { deltaSize: 10, eTag: '688A7BF4F233DC9C88A80BF985AB7329', key, size: 10 },
      ossSchemaVersion: '1.0',
      ruleId: 'rule',
    },
    region: 'cn-hangzhou',
  };
}

function cloudEvent(name: string, key = KEY) {
  const { eventName: _, ...data } = event(name, key);
  return {
    id: '1',
    source: 'acs.oss',
    specversion: '1.0',
    type: `oss:${name}`,
    subject: `acs:oss:cn-hangzhou:1:staging/${key}`,
    data,
  };
}

const PUT = 'ObjectCreated:PutObject';
const notification = JSON.stringify({ events: [event(PUT)] });
const base64 = Buffer.from(notification).toString('base64');
const enveloped = (Message: string) => JSON.stringify({ TopicName: 't', MessageId: '5F', Message, MessageMD5: 'x' });

describe('createdInOss', () => {
  it.each([
    ['a notification', notification],
    ['one in base64', base64],
    ['one in the envelope of MNS', enveloped(notification)],
    ['one in base64 in it', enveloped(base64)],
    ['an event of EventBridge', JSON.stringify(cloudEvent(PUT))],
    ['a list of them', JSON.stringify([cloudEvent(PUT), cloudEvent(PUT)])],
  ])('reads %s', (_, body) => {
    expect(createdInOss('staging', body)).toEqual({ keys: [KEY], elsewhere: 0 });
  });

  it.each(['PutObject', 'PostObject', 'CopyObject', 'CompleteMultipartUpload'])('takes %s for an object', (name) => {
    expect(createdInOss('staging', JSON.stringify(cloudEvent(`ObjectCreated:${name}`))).keys).toEqual([KEY]);
  });

  it.each([
    'ObjectCreated:InitiateMultipartUpload',
    'ObjectCreated:UploadPart',
    'ObjectCreated:UploadPartCopy',
    'ObjectRemoved:DeleteObject',
  ])('takes %s for nothing to look at', (name) => {
    const body = JSON.stringify({ events: [event(name), event(PUT, 'b')] });
    expect(createdInOss('staging', body)).toEqual({ keys: ['b'], elsewhere: 0 });
  });

  it('gives keys that may be encoded in both readings', () => {
    const body = JSON.stringify({ events: [event(PUT, 'inbox/a%20b+c'), event(PUT, '100%'), event(PUT, '影')] });
    expect(createdInOss('staging', body).keys).toEqual(['inbox/a%20b+c', 'inbox/a b c', '100%', '影']);
  });

  it('counts what is told of another bucket', () => {
    const body = JSON.stringify({ events: [event(PUT), event(PUT, KEY, 'other')] });
    expect(createdInOss('staging', body)).toEqual({ keys: [KEY], elsewhere: 1 });
  });

  it.each(['', 'hello', '{}', '[1]', '{"events":[{"eventName":"ObjectCreated:PutObject"}]}'])('refuses %j', (body) => {
    expect(() => createdInOss('staging', body)).toThrow();
  });
});
