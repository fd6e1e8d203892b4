import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3ServiceException } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  authorizationOf,
  BUCKET,
  flip,
  type Harness,
  presign,
  sdkClient,
  send,
  signHeaders,
  startHarness,
} from './support.ts';

let harness: Harness;
let nowMs = Date.now();

beforeAll(async () => {
  harness = await startHarness({ now: () => nowMs });
  await harness.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'known', Body: 'known' }));
});
afterAll(() => harness.stop());

const at = (ms: number): string => new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '');

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof S3ServiceException)) throw new Error('expected the service to refuse', { cause: error });
  return error.name;
}

describe('who may pass', () => {
  it('refuses anonymous requests of every kind', async () => {
    for (const method of ['GET', 'PUT', 'HEAD', 'DELETE', 'POST']) {
      const answer = await send({ method, url: harness.url('known'), headers: {} });
      expect(answer.status, method).toBe(403);
    }
    const list = await send({ method: 'GET', url: new URL(`${harness.server.url}/${BUCKET}`), headers: {} });
    expect(list.code).toBe('AccessDenied');
  });

  it('refuses a wrong secret and an unknown key in headers', async () => {
    const wrong = sdkClient(harness.server.url, { credentials: { accessKeyId: 'test-key', secretAccessKey: 'other' } });
    const unknown = sdkClient(harness.server.url, { credentials: { accessKeyId: 'nobody', secretAccessKey: 'other' } });
    expect(await codeOf(wrong.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'known' })))).toBe(
      'SignatureDoesNotMatch',
    );
    expect(await codeOf(unknown.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'known' })))).toBe(
      'InvalidAccessKeyId',
    );
    expect(await codeOf(wrong.send(new ListObjectsV2Command({ Bucket: BUCKET })))).toBe('SignatureDoesNotMatch');
  });

  it('refuses a wrong secret and an unknown key in presigned URLs', async () => {
    const wrong = await send(await presign(harness.url('known'), { secretAccessKey: 'other' }));
    expect([wrong.status, wrong.code]).toEqual([403, 'SignatureDoesNotMatch']);
    const unknown = await send(await presign(harness.url('known'), { accessKeyId: 'nobody' }));
    expect([unknown.status, unknown.code]).toEqual([403, 'InvalidAccessKeyId']);
  });

  it('lets a well-signed request pass in both ways', async () => {
    expect((await send(await presign(harness.url('known')))).text).toBe('known');
    expect((await send(await signHeaders(harness.url('known')))).text).toBe('known');
  });

  it('refuses a token, since it issues none', async () => {
    const outgoing = await signHeaders(harness.url('known'), { headers: { 'x-amz-security-token': 'made-up' } });
    expect((await send(outgoing)).code).toBe('InvalidToken');
  });

  it('refuses two signatures on one request', async () => {
    const outgoing = await presign(harness.url('known'));
    const { headers } = await signHeaders(harness.url('known'));
    expect((await send({ ...outgoing, headers })).code).toBe('InvalidArgument');
  });

  it('refuses the older signature schemes', async () => {
    const v2 = await send({
      method: 'GET',
      url: harness.url('known'),
      headers: { authorization: 'AWS test-key:abc=' },
    });
    expect(v2.code).toBe('InvalidRequest');
    const query = await send({ method: 'GET', url: harness.url('known', '?AWSAccessKeyId=test-key'), headers: {} });
    expect(query.code).toBe('InvalidRequest');
  });
});

describe('what a signature covers', () => {
  it('refuses another path, query, method, signed header or signature', async () => {
    const url = harness.url('part', '?partNumber=1&uploadId=abc');
    const outgoing = await presign(url, { method: 'PUT', headers: { 'if-none-match': '*' } });
    const bent = (change: (copy: URL) => void): typeof outgoing => {
      const copy = new URL(outgoing.url);
      change(copy);
      return { ...outgoing, url: copy };
    };
    const attacks = {
      path: bent((copy) => {
        copy.pathname = copy.pathname.replace('part', 'port');
      }),
      partNumber: bent((copy) => copy.searchParams.set('partNumber', '2')),
      uploadId: bent((copy) => copy.searchParams.set('uploadId', 'abd')),
      'a parameter more': bent((copy) => copy.searchParams.set('x-amz-meta-a', '1')),
      'a parameter less': bent((copy) => copy.searchParams.delete('partNumber')),
      expires: bent((copy) => copy.searchParams.set('X-Amz-Expires', '301')),
      signature: bent((copy) =>
        copy.searchParams.set('X-Amz-Signature', flip(copy.searchParams.get('X-Amz-Signature') ?? '')),
      ),
      method: { ...outgoing, method: 'GET' },
      'header changed': { ...outgoing, headers: { 'if-none-match': 'x' } },
      'header left out': { ...outgoing, headers: {} },
    };
    for (const [name, attack] of Object.entries(attacks)) {
      const answer = await send(attack, attack.method === 'PUT' ? 'body' : undefined);
      expect([name, answer.status, answer.code]).toEqual([name, 403, 'SignatureDoesNotMatch']);
    }
  });

  it('refuses x-amz-* headers that are not signed, in headers and in presigned URLs', async () => {
    for (const outgoing of [await signHeaders(harness.url('known')), await presign(harness.url('known'))]) {
      const answer = await send({ ...outgoing, headers: { ...outgoing.headers, 'x-amz-meta-smuggled': '1' } });
      expect([answer.status, answer.code]).toEqual([403, 'AccessDenied']);
      expect(answer.text).toContain('x-amz-meta-smuggled');
    }
  });

  it('refuses a signature that leaves out the host', async () => {
    const outgoing = await signHeaders(harness.url('known'));
    const authorization = authorizationOf(outgoing).replace('SignedHeaders=host;', 'SignedHeaders=');
    const answer = await send({ ...outgoing, headers: { ...outgoing.headers, authorization } });
    expect(answer.code).toBe('AccessDenied');
  });

  it('refuses a query parameter that is given twice', async () => {
    const answer = await send(await presign(harness.url('known', '?prefix=a&prefix=b')));
    expect(answer.code).toBe('InvalidArgument');
  });

  it('binds the size of a body when content-length is signed', async () => {
    const headers = { 'content-length': '4' };
    const outgoing = await presign(harness.url('sized'), { method: 'PUT', headers });
    const { headers: sent } = outgoing;
    const longer = await send({ ...outgoing, headers: { ...sent, 'content-length': '5' } }, 'bytes');
    expect([longer.status, longer.code]).toEqual([403, 'SignatureDoesNotMatch']);
    const shorter = await send({ ...outgoing, headers: { ...sent, 'content-length': '3' } }, 'byt');
    expect([shorter.status, shorter.code]).toEqual([403, 'SignatureDoesNotMatch']);
    expect((await send(await presign(harness.url('sized')))).status).toBe(404);
    expect((await send(outgoing, 'byte')).status).toBe(200);
  });

  it('accepts a content-type that a browser adds unsigned, and keeps it', async () => {
    const outgoing = await presign(harness.url('typed'), { method: 'PUT' });
    expect((await send({ ...outgoing, headers: { 'content-type': 'text/x-a' } }, 'a')).status).toBe(200);
    expect((await send(await presign(harness.url('typed')))).headers['content-type']).toBe('text/x-a');
  });

  it('counts response overrides as signed', async () => {
    const query = `?response-content-disposition=${encodeURIComponent('attachment; filename="a b.bin"')}`;
    const outgoing = await presign(harness.url('known', `${query}&response-content-type=text/x-b`));
    const answer = await send(outgoing);
    expect(answer.headers['content-disposition']).toBe('attachment; filename="a b.bin"');
    expect(answer.headers['content-type']).toBe('text/x-b');
    const plain = await presign(harness.url('known'));
    plain.url.searchParams.set('response-content-type', 'text/html');
    expect((await send(plain)).code).toBe('SignatureDoesNotMatch');
  });
});

describe('when and where a signature is valid', () => {
  it('honours a presigned URL up to its last second and not a millisecond longer', async () => {
    const signedAtMs = Math.floor(nowMs / 1000) * 1000;
    const outgoing = await presign(harness.url('known'), { datetime: at(signedAtMs), expiresSeconds: 60 });
    const before = nowMs;
    nowMs = signedAtMs + 60_000;
    expect((await send(outgoing)).status).toBe(200);
    nowMs++;
    const late = await send(outgoing);
    expect([late.status, late.code]).toEqual([403, 'AccessDenied']);
    expect(late.text).toContain('Request has expired');
    nowMs = before;
  });

  it.each(['0', '604801', '-1', '1e3', '', '99999999'])('refuses X-Amz-Expires=%s', async (expires) => {
    const url = harness.url('known', `?X-Amz-Expires=${expires}`);
    const outgoing = await signQueryAsIs(url);
    expect((await send(outgoing)).code).toBe('AuthorizationQueryParametersError');
  });

  it('accepts the longest allowed X-Amz-Expires', async () => {
    expect((await send(await presign(harness.url('known'), { expiresSeconds: 604_800 }))).status).toBe(200);
  });

  it('refuses header signatures more than 15 minutes off, in both directions', async () => {
    for (const offsetMs of [-16 * 60_000, 16 * 60_000]) {
      const answer = await send(await signHeaders(harness.url('known'), { datetime: at(nowMs + offsetMs) }));
      expect([answer.status, answer.code]).toEqual([403, 'RequestTimeTooSkewed']);
    }
    const near = await signHeaders(harness.url('known'), { datetime: at(nowMs - 14 * 60_000) });
    expect((await send(near)).status).toBe(200);
  });

  it('refuses a presigned URL from the future', async () => {
    const answer = await send(await presign(harness.url('known'), { datetime: at(nowMs + 16 * 60_000) }));
    expect([answer.status, answer.code]).toEqual([403, 'AccessDenied']);
  });

  it('refuses another region, service or credential date', async () => {
    const elsewhere = await send(await signHeaders(harness.url('known'), { region: 'eu-west-1' }));
    expect([elsewhere.status, elsewhere.code]).toEqual([400, 'AuthorizationHeaderMalformed']);
    expect(elsewhere.text).toContain('<Region>us-east-1</Region>');
    const presigned = await send(await presign(harness.url('known'), { region: 'eu-west-1' }));
    expect(presigned.code).toBe('AuthorizationQueryParametersError');

    for (const [from, to] of [
      ['/s3/', '/ec2/'],
      [at(nowMs).slice(0, 8), '20200101'],
    ] as const) {
      const outgoing = await signHeaders(harness.url('known'));
      const authorization = authorizationOf(outgoing).replace(from, to);
      const answer = await send({ ...outgoing, headers: { ...outgoing.headers, authorization } });
      expect(answer.code).toBe('AuthorizationHeaderMalformed');
    }
  });

  it.each(['', 'AWS4-HMAC-SHA256', 'AWS4-HMAC-SHA256 Credential=a', 'AWS4-HMAC-SHA256 a=b, a=b', 'Bearer token'])(
    'refuses the Authorization header "%s"',
    async (authorization) => {
      const answer = await send({ method: 'GET', url: harness.url('known'), headers: { authorization } });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(404);
    },
  );
});

/** Signs a URL that already says when it expires. */
async function signQueryAsIs(url: URL) {
  const expires = url.searchParams.get('X-Amz-Expires');
  const outgoing = await presign(url);
  outgoing.url.searchParams.set('X-Amz-Expires', expires ?? '');
  return outgoing;
}
