import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectFault } from '../../contract/expect-fault.ts';
import { bytesOf, ctx, deliver, itemOf, open, putAll } from '../../contract/push-rig.ts';
import { type BadStore, badStore, NONE } from './habits.ts';
import { type OwnBucket, ownBucket } from './own-bucket.ts';
import { connectS3, s3Rig } from './rig.ts';

let store: OwnBucket;
let between: BadStore;
beforeAll(async () => {
  store = await ownBucket();
  between = await badStore(store.endpoint);
});
afterAll(async () => {
  await between[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
});

describe('s3: a destination that cannot work says why when it is checked', () => {
  it.each([
    ['another secret', { credentials: { secretAccessKey: 'another' } }, 's3.bad_credentials', /mend the credentials/],
    ['an unknown key', { credentials: { accessKeyId: 'nobody' } }, 's3.bad_credentials', /mend the credentials/],
    ['another region', { settings: { region: 'eu-west-1' } }, 's3.other_region', /it says us-east-1/],
    ['a bucket that is not there', { settings: { bucket: 'nowhere' } }, 's3.no_bucket', /create it or mend its name/],
  ])('%s', async (_, more, code, words) => {
    using rig = s3Rig(store);
    const provider = rig.connect(more);
    const fault = await expectFault('auth', code, provider.check(ctx));
    expect(fault.message).toMatch(words);
    await expectFault('auth', code, provider.open(await itemOf(provider, bytesOf(100)), ctx));
  });

  it('a port where nobody listens', async () => {
    using rig = s3Rig(store, { endpoint: 'http://127.0.0.1:9' });
    const fault = await expectFault('transient', 's3.unavailable', rig.provider().check(ctx));
    expect(fault.message).toMatch('ECONNREFUSED');
    expect(fault.message).not.toMatch('127.0.0.1');
  });

  it.each([
    [403, 'AccessDenied', 'auth', 's3.denied'],
    [400, 'ExpiredToken', 'auth', 's3.token_expired'],
    [403, 'RequestTimeTooSkewed', 'auth', 's3.clock_skew'],
    [301, 'PermanentRedirect', 'auth', 's3.other_region'],
    [403, 'QuotaExceeded', 'rejected', 's3.quota'],
    [507, 'XMinioStorageFull', 'rejected', 's3.quota'],
    [500, 'InternalError', 'transient', 's3.unavailable'],
    [503, 'ServiceUnavailable', 'transient', 's3.unavailable'],
    [400, 'MalformedXML', 'bug', 's3.refused'],
  ] as const)('%d %s', async (status, code, kind, fault) => {
    using rig = s3Rig(store, { endpoint: between.url });
    between.habit = ({ operation }) => (operation === 'create' ? { kind: 'refuse', status, code } : null);
    await expectFault(kind, fault, rig.provider().check(ctx));
  });

  it.each([
    [502, '<html>bad gateway', 'transient', 's3.unavailable'],
    [503, '', 'transient', 's3.unavailable'],
    [403, 'blocked by the proxy', 'auth', 's3.denied'],
    [200, '<html>log in</html>', 'bug', 's3.bad_answer'],
  ] as const)('%d with %j in place of an error document', async (status, text, kind, fault) => {
    using rig = s3Rig(store, { endpoint: between.url });
    between.habit = ({ operation }) => (operation === 'create' ? { kind: 'refuse', status, code: '', text } : null);
    await expectFault(kind, fault, rig.provider().check(ctx));
  });

  it('a permission that only a later step needs', async () => {
    using rig = s3Rig(store, { endpoint: between.url });
    for (const [operation, words] of [
      ['abort', /s3:AbortMultipartUpload/],
      ['list', /s3:ListMultipartUploadParts/],
      ['head', /s3:GetObject/],
    ] as const) {
      between.habit = (call) =>
        call.operation === operation ? { kind: 'refuse', status: 403, code: 'AccessDenied' } : null;
      expect((await expectFault('auth', 's3.denied', rig.provider().check(ctx))).message).toMatch(words);
    }
  });
});

describe('s3: in the middle of a file', () => {
  it('a store that asks for fewer requests is waited for as long as it says', async () => {
    using rig = s3Rig(store, { endpoint: between.url });
    between.habit = NONE;
    const opened = await open(rig, 100);
    between.habit = ({ operation }) =>
      operation === 'part' ? { kind: 'refuse', status: 503, code: 'SlowDown', retryAfterSeconds: 7 } : null;
    const fault = await expectFault('throttled', 's3.slow_down', putAll(opened));
    expect(fault.retryAfterMs).toBe(7000);
  });

  it('no fault holds a key, a secret, an address or a signature', async () => {
    using rig = s3Rig(store, { endpoint: between.url });
    between.habit = NONE;
    const opened = await open(rig, 100, { name: 'private-name' });
    for (const [status, code] of [
      [403, 'AccessDenied'],
      [500, 'InternalError'],
    ] as const) {
      between.habit = () => ({ kind: 'refuse', status, code });
      const fault = await putAll(opened).catch((error: unknown) => error);
      const told = `${String(fault)} ${JSON.stringify(fault)} ${String((fault as Error).cause)}`;
      for (const secret of ['private-name', store.secretAccessKey, store.accessKeyId, '127.0.0.1', 'Signature=']) {
        expect(told).not.toContain(secret);
      }
      expect(Object.keys((fault as Error).cause ?? {})).not.toContain('$response');
    }
  });

  it('new keys are used from the next request on', async () => {
    using rig = s3Rig(store);
    let secretAccessKey = 'another';
    const credentials = {
      accessKeyId: store.accessKeyId,
      get secretAccessKey() {
        return secretAccessKey;
      },
    };
    const { endpoint, region, bucket } = store;
    const provider = connectS3({ endpoint, region, bucket, prefix: rig.prefix }, credentials);
    await expectFault('auth', 's3.bad_credentials', provider.check(ctx));
    secretAccessKey = store.secretAccessKey;
    await provider.check(ctx);
  });
});

describe('s3: keys', () => {
  it('a key of 1024 bytes arrives, one of 1025 is refused before any request', async () => {
    using rig = s3Rig(store, { endpoint: between.url });
    between.habit = NONE;
    const folder = `/${'影'.repeat(250)}`;
    const room = 1024 - rig.prefix.length - Buffer.byteLength(folder);
    const delivered = await deliver(rig, 10, { folder, name: 'n'.repeat(room) });
    expect(await rig.readBack(delivered.item)).toHaveLength(10);
    const calls = between.calls.length;
    const provider = rig.provider();
    const item = await itemOf(provider, bytesOf(10), { folder, name: 'n'.repeat(room + 1) });
    await expectFault('rejected', 's3.key_too_long', provider.open(item, ctx));
    expect(between.calls).toHaveLength(calls);
  });

  it.each(['/..', '/a/../b', '/./x', '/a//b', '/%2e%2e'])('the folder %j is taken to the letter', async (folder) => {
    using rig = s3Rig(store);
    const delivered = await deliver(rig, 10, { folder });
    expect(await rig.listFarSide()).toEqual([rig.keyOf(delivered.item)]);
  });
});
