import { describe, expect, it } from 'vitest';
import type { S3Config } from '#clients/s3/client.ts';
import { UploadId } from '#core/wire/ids.ts';
import { chunkPresigner, type PresignPlace } from './presign.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 1, 2, 3, 456);
const put = {
  uploadId: UploadId.parse('upl_01KAQ0000000000000000000AB'),
  number: 7,
  sizeBytes: 10_485_760,
  ttlSeconds: 900,
};

const local = {
  endpoint: 'http://127.0.0.1:8001',
  region: 'us-east-1',
  bucket: 'staging',
  accessKeyId: 'AKID',
  secretAccessKey: 'secret',
  forcePathStyle: true,
  clock: { now: () => NOW_MS, random: () => 0, sleep: async () => {} },
};

async function urlOf(change: Partial<PresignPlace & S3Config>, viewerHost?: string): Promise<URL> {
  const presign = chunkPresigner({ ...local, ...change });
  return new URL((await presign({ ...put, ...(viewerHost === undefined ? {} : { viewerHost }) })).url);
}

describe('chunkPresigner', () => {
  it('signs length, host and the write-once condition, and no checksum', async () => {
    const url = await urlOf({});
    expect(url.pathname).toBe('/staging/staging/upl_01KAQ0000000000000000000AB/00007');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': 'AKID/20261122/us-east-1/s3/aws4_request',
      'X-Amz-Date': '20261122T010203Z',
      'X-Amz-Expires': '900',
      'X-Amz-SignedHeaders': 'content-length;host;if-none-match',
      'X-Amz-Signature': expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('leaves content-length to the browser and tells the exact end of the URL', async () => {
    const presigned = await chunkPresigner(local)(put);
    expect(presigned.headers).toEqual({ 'if-none-match': '*' });
    expect(presigned.expiresAtMs).toBe(Date.UTC(2026, 10, 22, 1, 2, 3) + 900_000);
  });

  it('carries a session token in the query', async () => {
    expect((await urlOf({ sessionToken: 'to/ken==' })).searchParams.get('X-Amz-Security-Token')).toBe('to/ken==');
  });

  it('asks a runtime for its keys each time, and tells an end that is not behind theirs', async () => {
    const { accessKeyId: _, secretAccessKey: __, ...place } = local;
    const expiration = new Date(NOW_MS + 60_000);
    let asked = 0;
    const keys = async () => ({ accessKeyId: `AKID${++asked}`, secretAccessKey: 'secret', expiration });
    const presign = chunkPresigner({ ...place, keys });
    for (const time of [1, 2]) {
      const { url, expiresAtMs } = await presign(put);
      expect(new URL(url).searchParams.get('X-Amz-Credential')).toMatch(`AKID${time}/`);
      expect(expiresAtMs).toBe(expiration.getTime());
    }
  });

  it('says so when a runtime has no keys', async () => {
    const { accessKeyId: _, secretAccessKey: __, ...place } = local;
    const none = Object.assign(new Error('no providers'), { name: 'CredentialsProviderError' });
    const presign = chunkPresigner({ ...place, keys: () => Promise.reject(none) });
    await expect(presign(put)).rejects.toMatchObject({ kind: 'auth', code: 'staging.denied' });
  });

  it('follows the public address before the viewer, the viewer before a loopback endpoint', async () => {
    expect((await urlOf({}, 'nas.lan')).origin).toBe('http://nas.lan:8001');
    expect((await urlOf({}, '[fd00::1]')).origin).toBe('http://[fd00::1]:8001');
    expect((await urlOf({})).origin).toBe('http://127.0.0.1:8001');
    expect((await urlOf({ publicUrl: 'https://files.example' }, 'nas.lan')).origin).toBe('https://files.example');
  });

  it('does not follow the viewer to a store with an address of its own', async () => {
    expect((await urlOf({ endpoint: 'https://minio.lan:9000' }, 'nas.lan')).origin).toBe('https://minio.lan:9000');
    const { endpoint: _, ...aws } = { ...local, forcePathStyle: false };
    const url = new URL((await chunkPresigner(aws)({ ...put, viewerHost: 'nas.lan' })).url);
    expect(url.origin).toBe('https://staging.s3.us-east-1.amazonaws.com');
    expect(url.pathname).toBe('/staging/upl_01KAQ0000000000000000000AB/00007');
  });

  it.each(['evil.example/x', 'a@b', 'a:99', '', ' ', 'a b', '-a', 'x'.repeat(254)])(
    'does not follow %j',
    async (host) => {
      expect((await urlOf({}, host)).origin).toBe('http://127.0.0.1:8001');
    },
  );

  it.each([0, -1, 1.5, 604_801])('refuses a life of %d seconds', async (ttlSeconds) => {
    await expect(chunkPresigner(local)({ ...put, ttlSeconds })).rejects.toMatchObject({
      kind: 'bug',
      code: 'staging.ttl',
    });
  });
});
