import OSS from 'ali-oss';
import { afterEach, expect, it, vi } from 'vitest';
import { type Presigning, presignedUrl } from './presign.ts';

const SIGNED_AT_MS = Date.UTC(2026, 10, 22, 1, 2, 3);
const presigning: Presigning = {
  method: 'PUT',
  endpoint: 'https://oss-cn-hangzhou.aliyuncs.com',
  bucketIn: 'host',
  region: 'cn-hangzhou',
  bucket: 'staging',
  key: "影 片/a+b&c=d (1)'*!.mp4",
  keys: { accessKeyId: 'LTAI5tEXAMPLE', accessKeySecret: 'a secret', stsToken: 'CAIS+/token==' },
  headers: { 'content-length': '10485760', 'content-type': 'video/mp4', 'x-oss-forbid-overwrite': 'true' },
  signedAtMs: SIGNED_AT_MS,
  ttlSeconds: 900,
};

afterEach(() => void vi.useRealTimers());

it('a URL is signed as ali-oss signs it', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: SIGNED_AT_MS });
  const { keys, headers, query } = {
    ...presigning,
    query: { 'response-content-disposition': 'attachment; filename="a b"' },
  };
  const options = {
    ...keys,
    endpoint: presigning.endpoint,
    region: 'oss-cn-hangzhou',
    bucket: 'staging',
    refreshSTSTokenInterval: 1,
  };
  const other = await new OSS(options).signatureUrlV4('PUT', 900, { headers, queries: query }, presigning.key, [
    'content-length',
  ]);
  const [ours, theirs] = [new URL(presignedUrl({ ...presigning, query })), new URL(other)];
  expect(Object.fromEntries(ours.searchParams)).toEqual(Object.fromEntries(theirs.searchParams));
  expect(decodeURIComponent(ours.origin + ours.pathname)).toBe(decodeURIComponent(theirs.origin + theirs.pathname));
});

it('names the headers that are signed beyond the usual ones, and carries the token of temporary keys', () => {
  const { searchParams } = new URL(presignedUrl(presigning));
  expect(Object.fromEntries(searchParams)).toEqual({
    'x-oss-additional-headers': 'content-length',
    'x-oss-credential': 'LTAI5tEXAMPLE/20261122/cn-hangzhou/oss/aliyun_v4_request',
    'x-oss-date': '20261122T010203Z',
    'x-oss-expires': '900',
    'x-oss-security-token': 'CAIS+/token==',
    'x-oss-signature': expect.stringMatching(/^[0-9a-f]{64}$/),
    'x-oss-signature-version': 'OSS4-HMAC-SHA256',
  });
});

it('has no list of headers when there is none to name', () => {
  const { searchParams } = new URL(presignedUrl({ ...presigning, method: 'GET', headers: {} }));
  expect(searchParams.has('x-oss-additional-headers')).toBe(false);
});

it('puts the bucket into the host, the path or nowhere', () => {
  const at = (bucketIn: Presigning['bucketIn'], endpoint: string) => {
    const { origin, pathname } = new URL(presignedUrl({ ...presigning, bucketIn, endpoint, key: 'a b' }));
    return origin + pathname;
  };
  expect(at('host', 'https://oss-cn-hangzhou.aliyuncs.com')).toBe('https://staging.oss-cn-hangzhou.aliyuncs.com/a%20b');
  expect(at('path', 'http://127.0.0.1:9000')).toBe('http://127.0.0.1:9000/staging/a%20b');
  expect(at('nowhere', 'https://files.example')).toBe('https://files.example/a%20b');
});
