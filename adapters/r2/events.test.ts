import { describe, expect, it } from 'vitest';
import { createdInR2 } from './events.ts';

/** As Cloudflare documents it. */
const event = (action: string, key: string, bucket = 'staging') => ({
  account: '3f4b7e3dcab231cbfdaa90a6a28bd548',
  action,
  bucket,
  object: { key, size: 65_536, eTag: 'c846ff7a18f28c2e262116d6e8719ef0' },
  eventTime: '2024-05-24T19:36:44.379Z',
  ...(action === 'CopyObject' ? { copySource: { bucket, object: 'another' } } : {}),
});
const NOTHING = { keys: [], elsewhere: 0 };

describe('createdInR2', () => {
  it.each(['PutObject', 'CopyObject', 'CompleteMultipartUpload'])('takes the key of a %s', (action) => {
    const key = 'staging/upl_01KAQ0000000000000000000AB/00001';
    expect(createdInR2('staging', event(action, key))).toEqual({ keys: [key], elsewhere: 0 });
  });

  it.each(['DeleteObject', 'LifecycleDeletion', 'SomethingNew'])('takes nothing of a %s, from any bucket', (action) => {
    const { size: _, eTag: __, ...object } = event(action, 'a').object;
    expect(createdInR2('staging', { ...event(action, 'a'), object })).toEqual(NOTHING);
    expect(createdInR2('staging', event(action, 'a', 'another'))).toEqual(NOTHING);
  });

  it('counts what another bucket tells, and takes nothing of it', () => {
    expect(createdInR2('staging', event('PutObject', 'a', 'another'))).toEqual({ keys: [], elsewhere: 1 });
  });

  it.each([
    ['inbox/folder/测试.bin', ['inbox/folder/测试.bin']],
    ['inbox/folder/a b.bin', ['inbox/folder/a b.bin']],
    ['inbox/folder/100%.bin', ['inbox/folder/100%.bin']],
    ['inbox/folder/a+b.bin', ['inbox/folder/a+b.bin', 'inbox/folder/a b.bin']],
    ['inbox/folder/a%20b.bin', ['inbox/folder/a%20b.bin', 'inbox/folder/a b.bin']],
  ])('gives %s in each reading that it may have', (key, keys) => {
    expect(createdInR2('staging', event('PutObject', key))?.keys).toEqual(keys);
  });

  it.each([
    null,
    'PutObject',
    {},
    { events: [] },
    { Records: [] },
    { ...event('PutObject', 'a'), bucket: { name: 'staging' } },
    event('PutObject', ''),
  ])('says that %j is no event of R2', (message) => {
    expect(createdInR2('staging', message)).toBeNull();
  });
});
