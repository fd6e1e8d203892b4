import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { createCRC32, createCRC64 } from 'hash-wasm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chunkSignature, scopeOf, signingKey, trailerSignature } from '#adapters/bucket/sigv4.ts';
import {
  authorizationOf,
  BUCKET,
  CREDENTIAL,
  flip,
  type Harness,
  type Outgoing,
  presign,
  REGION,
  send,
  signHeaders,
  startHarness,
} from './support.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const md5 = (bytes: Buffer | string): string => createHash('md5').update(bytes).digest('base64');

async function stored(key: string): Promise<Buffer | undefined> {
  const answer = await send(await presign(harness.url(key)));
  return answer.status === 200 ? answer.body : undefined;
}

async function put(key: string, body: string | Buffer, headers: Record<string, string>) {
  return send(await signHeaders(harness.url(key), { method: 'PUT', headers }), body);
}

describe('a body that its request describes', () => {
  it('is kept when the signed SHA-256 is right and refused when it is not', async () => {
    expect((await put('sha', 'honest', { 'x-amz-content-sha256': sha256('honest') })).status).toBe(200);
    const answer = await put('sha-bad', 'forged', { 'x-amz-content-sha256': sha256('honest') });
    expect([answer.status, answer.code]).toEqual([400, 'XAmzContentSHA256Mismatch']);
    expect(await stored('sha-bad')).toBeUndefined();
  });

  it('is refused when the payload mode is unknown', async () => {
    expect((await put('mode', 'a', { 'x-amz-content-sha256': 'STREAMING-SOMETHING' })).code).toBe('InvalidArgument');
  });

  it('is checked against Content-MD5', async () => {
    expect((await put('md5', 'body', { 'content-md5': md5('body') })).status).toBe(200);
    expect((await put('md5-bad', 'body', { 'content-md5': md5('other') })).code).toBe('BadDigest');
    expect((await put('md5-bad', 'body', { 'content-md5': 'not base64' })).code).toBe('InvalidDigest');
    expect(await stored('md5-bad')).toBeUndefined();
  });

  it('under an opaque prefix is named by no MD5, anew each time, and still checked against what it claims', async () => {
    const opaque = await startHarness({ opaqueEtagPrefix: 'staging/' });
    const putThere = async (key: string, headers: Record<string, string> = {}) =>
      send(await signHeaders(opaque.url(key), { method: 'PUT', headers }), 'body');
    try {
      const names = [await putThere('staging/1'), await putThere('staging/1')].map(({ headers }) => headers['etag']);
      for (const name of names) expect(name).toMatch(/^"[0-9a-f]{32}-1"$/);
      expect(names[0]).not.toBe(names[1]);
      const head = await send(await signHeaders(opaque.url('staging/1'), { method: 'HEAD' }));
      expect(head.headers['etag']).toBe(names[1]);
      expect((await putThere('staging/2', { 'content-md5': md5('other') })).code).toBe('BadDigest');
      const hex = Buffer.from(md5('body'), 'base64').toString('hex');
      expect((await putThere('staging/2', { 'content-md5': md5('body') })).headers['etag']).toBe(`"${hex}"`);
      expect((await putThere('elsewhere')).headers['etag']).toBe(`"${hex}"`);
    } finally {
      await opaque.stop();
    }
  });

  it('never replaces an older object when it is refused', async () => {
    await put('older', 'first', {});
    expect((await put('older', 'second', { 'content-md5': md5('other') })).code).toBe('BadDigest');
    expect(String(await stored('older'))).toBe('first');
  });

  it('needs a length', async () => {
    const outgoing = await signHeaders(harness.url('endless'), { method: 'PUT' });
    const answer = await send(
      { ...outgoing, headers: { ...outgoing.headers, 'transfer-encoding': 'chunked' } },
      'body',
    );
    expect([answer.status, answer.code]).toEqual([411, 'MissingContentLength']);
  });

  it('leaves nothing when it ends before its length, whether the client waits or hangs up', async () => {
    const outgoing = await presign(harness.url('cut'), { method: 'PUT' });
    const head = `PUT ${outgoing.url.pathname}${outgoing.url.search} HTTP/1.1\r\nhost: ${outgoing.url.host}\r\ncontent-length: 100\r\n\r\nonly this`;
    const text = await rawExchange(head, 'end');
    expect(text).toMatch(/^HTTP\/1.1 400 /);
    expect(text).toContain('<Code>IncompleteBody</Code>');
    await rawExchange(head, 'destroy');
    expect(await stored('cut')).toBeUndefined();
  });

  it('takes bytes behind its length for another request, never for more body', async () => {
    const outgoing = await presign(harness.url('long'), { method: 'PUT' });
    const head = `PUT ${outgoing.url.pathname}${outgoing.url.search} HTTP/1.1\r\nhost: ${outgoing.url.host}\r\ncontent-length: 4\r\n\r\nbodyMORE`;
    expect(await rawExchange(head, 'end')).toMatch(/^HTTP\/1.1 /);
    expect([undefined, 'body']).toContain((await stored('long'))?.toString());
  });

  it('is invited with 100-continue only after its request has passed', async () => {
    const good = await presign(harness.url('invited'), { method: 'PUT' });
    const ask = (outgoing: Outgoing): string =>
      `PUT ${outgoing.url.pathname}${outgoing.url.search} HTTP/1.1\r\nhost: ${outgoing.url.host}\r\n` +
      'content-length: 4\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n';
    expect(await rawExchange(ask(good), 'end', 'body')).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK/);
    const bad = await presign(harness.url('invited'), { method: 'PUT', secretAccessKey: 'other' });
    expect(await rawExchange(ask(bad), 'end', 'body')).toMatch(/^HTTP\/1.1 403 /);
  });
});

describe('named checksums', () => {
  const body = Buffer.from('123456789');

  async function digests(): Promise<Record<string, string>> {
    const [crc32, crc32c, crc64] = await Promise.all([
      createCRC32(),
      createCRC32(0x82f63b78),
      createCRC64('9a6c9329ac4bc9b5'),
    ]);
    return {
      crc32: Buffer.from(crc32.init().update(body).digest('binary')).toString('base64'),
      crc32c: Buffer.from(crc32c.init().update(body).digest('binary')).toString('base64'),
      crc64nvme: Buffer.from(crc64.init().update(body).digest('binary')).toString('base64'),
      sha1: createHash('sha1').update(body).digest('base64'),
      sha256: createHash('sha256').update(body).digest('base64'),
    };
  }

  it('have the check values of their catalogues', async () => {
    const { crc32, crc32c, crc64nvme } = await digests();
    expect(Buffer.from(crc32 ?? '', 'base64').toString('hex')).toBe('cbf43926');
    expect(Buffer.from(crc32c ?? '', 'base64').toString('hex')).toBe('e3069283');
    expect(Buffer.from(crc64nvme ?? '', 'base64').toString('hex')).toBe('ae8b14860a799888');
  });

  it.each(['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'])('verifies, keeps and returns %s', async (algorithm) => {
    const name = `x-amz-checksum-${algorithm}`;
    const value = (await digests())[algorithm] ?? '';
    expect((await put(algorithm, body, { [name]: value })).headers[name]).toBe(value);
    const wrong = Buffer.from(value, 'base64');
    wrong.writeUInt8(wrong.readUInt8(0) ^ 1, 0);
    const refused = await put(`${algorithm}-bad`, body, { [name]: wrong.toString('base64') });
    expect([refused.status, refused.code]).toEqual([400, 'BadDigest']);
    expect(await stored(`${algorithm}-bad`)).toBeUndefined();

    const url = harness.url(algorithm);
    const asked = await send(await signHeaders(url, { headers: { 'x-amz-checksum-mode': 'ENABLED' } }));
    expect(asked.headers[name]).toBe(value);
    expect((await send(await signHeaders(url))).headers[name]).toBeUndefined();
  });

  it('refuse the checksum of an empty body that a presigner put into the URL', async () => {
    const query = '?x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32';
    const outgoing = await presign(harness.url('trap', query), { method: 'PUT' });
    const answer = await send(outgoing, 'not empty');
    expect([answer.status, answer.code]).toEqual([400, 'BadDigest']);
    expect(await stored('trap')).toBeUndefined();
    expect((await send(outgoing, '')).status).toBe(200);
  });

  it('refuse a malformed value, several at once, and an announcement without a value', async () => {
    expect((await put('odd', body, { 'x-amz-checksum-crc32': 'AAAA' })).code).toBe('InvalidRequest');
    const two = { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-crc32c': 'AAAAAA==' };
    expect((await put('odd', body, two)).code).toBe('InvalidRequest');
    expect((await put('odd', body, { 'x-amz-sdk-checksum-algorithm': 'CRC32' })).code).toBe('InvalidRequest');
    expect(await stored('odd')).toBeUndefined();
  });
});

describe('aws-chunked bodies', () => {
  it('of an SDK stream arrive without their framing, and with their checksum', async () => {
    const bytes = Buffer.alloc(300_000, 'chunk');
    const Body = Readable.from([bytes.subarray(0, 100_000), bytes.subarray(100_000)]);
    const put = new PutObjectCommand({
      Bucket: BUCKET,
      Key: 'stream',
      Body,
      ContentLength: bytes.length,
      ChecksumAlgorithm: 'CRC32C',
    });
    const answer = await harness.s3.send(put);
    const got = await harness.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'stream' }));
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(bytes)).toBe(true);
    expect(got.ContentEncoding).toBeUndefined();
    const head = await harness.s3.send(
      new HeadObjectCommand({ Bucket: BUCKET, Key: 'stream', ChecksumMode: 'ENABLED' }),
    );
    expect(head.ChecksumCRC32C).toBe(answer.ChecksumCRC32C);
    expect(head.ContentLength).toBe(bytes.length);
  });

  interface Bend {
    readonly chunk?: (chunk: Buffer) => Buffer;
    readonly signature?: (signature: string, index: number) => string;
    readonly decodedLength?: string;
    readonly trailer?: string;
    readonly trailerSignature?: (signature: string) => string;
    readonly tail?: string;
    readonly announced?: string;
  }

  /** A body in signed chunks, as a client builds it from the documentation. */
  async function signedChunks(key: string, trailers: 'none' | 'trailer', bend: Bend = {}) {
    const chunks = [Buffer.alloc(9000, 'a'), Buffer.from('tail')];
    const length = 9004;
    const trailer =
      bend.trailer ?? `x-amz-checksum-sha256:${createHash('sha256').update(Buffer.concat(chunks)).digest('base64')}`;
    const outgoing = await signHeaders(harness.url(key), {
      method: 'PUT',
      headers: {
        'content-encoding': 'aws-chunked',
        'x-amz-content-sha256': `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${trailers === 'trailer' ? '-TRAILER' : ''}`,
        'x-amz-decoded-content-length': bend.decodedLength ?? String(length),
        ...(trailers === 'trailer' ? { 'x-amz-trailer': bend.announced ?? 'x-amz-checksum-sha256' } : {}),
      },
    });
    const amzDate = outgoing.headers['x-amz-date'] ?? '';
    const scope = scopeOf(amzDate.slice(0, 8), REGION);
    const signing = signingKey(CREDENTIAL.secretAccessKey, scope);
    let previous = /Signature=(\w+)/.exec(authorizationOf(outgoing))?.[1] ?? '';
    const body: Buffer[] = [];
    for (const [index, chunk] of [...chunks, Buffer.alloc(0)].entries()) {
      previous = chunkSignature(signing, scope, amzDate, previous, sha256(chunk));
      const shown = bend.signature?.(previous, index) ?? previous;
      const sent = bend.chunk?.(chunk) ?? chunk;
      body.push(Buffer.from(`${sent.length.toString(16)};chunk-signature=${shown}\r\n`), sent);
      if (index < chunks.length) body.push(Buffer.from('\r\n'));
    }
    if (trailers === 'trailer') {
      const signature = trailerSignature(signing, scope, amzDate, previous, `${trailer}\n`);
      body.push(
        Buffer.from(`${trailer}\r\nx-amz-trailer-signature:${bend.trailerSignature?.(signature) ?? signature}\r\n`),
      );
    }
    body.push(Buffer.from(bend.tail ?? '\r\n'));
    return send(outgoing, [Buffer.concat(body)]);
  }

  it('in signed chunks arrive whole, with and without a trailer', async () => {
    for (const trailers of ['none', 'trailer'] as const) {
      expect((await signedChunks(`signed-${trailers}`, trailers)).status).toBe(200);
      expect((await stored(`signed-${trailers}`))?.length).toBe(9004);
    }
  });

  const attacks: [name: string, trailers: 'none' | 'trailer', bend: Bend, code: string][] = [
    [
      'a changed byte',
      'none',
      { chunk: (chunk) => Buffer.from(chunk.toString().replace(/^a/, 'b')) },
      'SignatureDoesNotMatch',
    ],
    [
      'a changed chunk signature',
      'none',
      { signature: (text, i) => (i === 1 ? flip(text) : text) },
      'SignatureDoesNotMatch',
    ],
    [
      'a changed last signature',
      'none',
      { signature: (text, i) => (i === 2 ? flip(text) : text) },
      'SignatureDoesNotMatch',
    ],
    ['too small a decoded length', 'none', { decodedLength: '9003' }, 'IncompleteBody'],
    ['too large a decoded length', 'none', { decodedLength: '9005' }, 'IncompleteBody'],
    ['a changed trailer signature', 'trailer', { trailerSignature: flip }, 'SignatureDoesNotMatch'],
    ['no trailer signature', 'trailer', { trailerSignature: () => '' }, 'SignatureDoesNotMatch'],
    ['a wrong checksum in its trailer', 'trailer', { trailer: `x-amz-checksum-sha256:${md5('')}` }, 'InvalidRequest'],
    [
      'another trailer than announced',
      'trailer',
      { trailer: 'x-amz-checksum-crc32:AAAAAA==' },
      'MalformedTrailerError',
    ],
    ['an unknown announced trailer', 'trailer', { announced: 'x-amz-checksum-md4' }, 'InvalidRequest'],
    ['bytes behind its end', 'none', { tail: '\r\nmore' }, 'IncompleteBody'],
    ['no end', 'none', { tail: '' }, 'IncompleteBody'],
  ];
  it.each(attacks)('with %s are refused', async (name, trailers, bend, code) => {
    const key = `bent ${name}`;
    expect((await signedChunks(key, trailers, bend)).code).toBe(code);
    expect(await stored(key)).toBeUndefined();
  });

  it.each([
    ['a trailer that is right', '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n', 200, undefined],
    ['a trailer that is wrong', '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n', 400, 'BadDigest'],
    ['no trailer', '5\r\nhello\r\n0\r\n\r\n', 400, 'MalformedTrailerError'],
    ['a size that is no number', 'zz\r\nhello\r\n0\r\n\r\n', 400, 'InvalidChunkSizeError'],
    ['a size without end', `${'0'.repeat(2000)}5\r\nhello`, 400, 'InvalidChunkSizeError'],
    ['a chunk longer than its size', '4\r\nhello\r\n0\r\n\r\n', 400, 'InvalidChunkSizeError'],
    ['nothing at all', '', 400, 'IncompleteBody'],
  ])('unsigned with %s', async (name, body, status, code) => {
    const key = `unsigned ${name}`;
    const headers = {
      'content-encoding': 'aws-chunked',
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': '5',
      'x-amz-trailer': 'x-amz-checksum-crc32',
    };
    const answer = await put(key, body, headers);
    expect([answer.status, answer.code]).toEqual([status, code]);
    expect((await stored(key))?.toString()).toBe(status === 200 ? 'hello' : undefined);
  });

  it('that break in the middle of many bytes are refused, and their sender gets to read it', async () => {
    const headers = {
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': String(20 * 1024 * 1024),
      'x-amz-trailer': 'x-amz-checksum-crc32',
    };
    const body = Buffer.concat([Buffer.from('5\r\nhello!!'), Buffer.alloc(20 * 1024 * 1024)]);
    expect((await put('broken', body, headers)).code).toBe('InvalidChunkSizeError');
    expect(await stored('broken')).toBeUndefined();
  });

  it('need a decoded length', async () => {
    const headers = {
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-trailer': 'x-amz-checksum-crc32',
    };
    expect((await put('undecoded', '0\r\n\r\n', headers)).code).toBe('MissingContentLength');
  });
});

/** Writes bytes as they are, then ends or destroys the connection; resolves with everything that came back. */
function rawExchange(head: string, finish: 'end' | 'destroy', afterContinue?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(harness.server.port, '127.0.0.1');
    socket.setEncoding('utf8');
    socket.on('data', (more: string) => {
      text += more;
      if (afterContinue !== undefined && text.endsWith('100 Continue\r\n\r\n')) socket.write(afterContinue);
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
    socket.write(head, () => {
      if (finish === 'destroy') socket.destroy();
      else if (afterContinue === undefined) socket.end();
    });
  });
}
