import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  chunkSignature,
  requestSignature,
  sameSignature,
  scopeOf,
  signingKey,
  trailerSignature,
  uriEncode,
} from '#adapters/bucket/sigv4.ts';

// The worked examples of the public SigV4 documentation for S3.
const scope = scopeOf('20130524', 'us-east-1');
const key = signingKey('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', scope);
const amzDate = '20130524T000000Z';
const emptySha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const host = ['host', 'examplebucket.s3.amazonaws.com'] as const;

describe('SigV4 arithmetic', () => {
  it('signs a GET with a range as documented', () => {
    const headers = [
      host,
      ['range', 'bytes=0-9'],
      ['x-amz-content-sha256', emptySha256],
      ['x-amz-date', amzDate],
    ] as const;
    const parts = { method: 'GET', path: '/test.txt', query: [], headers, payload: emptySha256 };
    const expected = 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41';
    expect(requestSignature(key, scope, amzDate, parts)).toBe(expected);
  });

  it('signs a listing as documented, whatever the order of the query', () => {
    const headers = [host, ['x-amz-content-sha256', emptySha256], ['x-amz-date', amzDate]] as const;
    const query = [
      ['prefix', 'J'],
      ['max-keys', '2'],
    ] as const;
    const parts = { method: 'GET', path: '/', query, headers, payload: emptySha256 };
    const expected = '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7';
    expect(requestSignature(key, scope, amzDate, parts)).toBe(expected);
  });

  it('signs a presigned URL as documented', () => {
    const query = [
      ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
      ['X-Amz-Credential', 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request'],
      ['X-Amz-Date', amzDate],
      ['X-Amz-Expires', '86400'],
      ['X-Amz-SignedHeaders', 'host'],
    ] as const;
    const parts = { method: 'GET', path: '/test.txt', query, headers: [host], payload: 'UNSIGNED-PAYLOAD' };
    const expected = 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404';
    expect(requestSignature(key, scope, amzDate, parts)).toBe(expected);
  });

  it('chains chunks as documented', () => {
    const seed = '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9';
    const sha256 = (sizeBytes: number): string => createHash('sha256').update('a'.repeat(sizeBytes)).digest('hex');
    const first = chunkSignature(key, scope, amzDate, seed, sha256(65_536));
    expect(first).toBe('ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648');
    const second = chunkSignature(key, scope, amzDate, first, sha256(1024));
    expect(second).toBe('0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497');
    const last = chunkSignature(key, scope, amzDate, second, sha256(0));
    expect(last).toBe('b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9');
  });

  it('signs trailers as documented', () => {
    const last = '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992';
    const signature = trailerSignature(key, scope, amzDate, last, 'x-amz-checksum-crc32c:sOO8/Q==\n');
    expect(signature).toBe('d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435');
  });

  it('sorts query names before values, so that a longer name does not overtake its own beginning', () => {
    const headers = [host] as const;
    const sign = (query: [string, string][]): string =>
      requestSignature(key, scope, amzDate, { method: 'GET', path: '/', query, headers, payload: emptySha256 });
    expect(
      sign([
        ['a', '1'],
        ['a-b', '2'],
      ]),
    ).toBe(
      sign([
        ['a-b', '2'],
        ['a', '1'],
      ]),
    );
  });

  it('encodes everything but the unreserved characters', () => {
    expect(uriEncode("A-z_0.9~!'()* +/中")).toBe('A-z_0.9~%21%27%28%29%2A%20%2B%2F%E4%B8%AD');
  });

  it('finds signatures of other lengths different', () => {
    expect(sameSignature('ab', 'ab')).toBe(true);
    expect(sameSignature('ab', 'ac')).toBe(false);
    expect(sameSignature('ab', 'abc')).toBe(false);
    expect(sameSignature('ab', '')).toBe(false);
  });
});
