/** What the S3 adapter makes of stores that refuse, lie, stall and hang up. The laws it keeps are in test/contract. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { s3Client } from '#clients/s3/client.ts';
import type { StagingSource } from '#core/ports/staging.ts';
import { s3StagingSource } from './staging.ts';

type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const object = { key: 'inbox/a', version: 'v1' };
const OPEN = new AbortController().signal;

describe('s3StagingSource, reading', () => {
  it('errors when the connection is cut in the middle of the body', async () => {
    const source = await sourceOver((_, response) => {
      response.writeHead(206, ranged(0, 100_000, 100_000));
      response.write(Buffer.alloc(70_000), () => response.destroy());
    });
    const stream = await source.read(object, { start: 0, end: 100_000 }, OPEN);
    await expect(lengthOf(stream)).rejects.toMatchObject({ kind: 'transient', code: 'staging.unavailable' });
  });

  it('errors when a body of no stated length ends early', async () => {
    const source = await sourceOver((_, response) => {
      const { 'content-length': _length, ...headers } = ranged(0, 100_000, 100_000);
      response.writeHead(206, headers).end(Buffer.alloc(70_000));
    });
    const stream = await source.read(object, { start: 0, end: 100_000 }, OPEN);
    await expect(lengthOf(stream)).rejects.toMatchObject({ kind: 'transient', code: 'staging.short_body' });
  });

  it('takes a range that the store cut at the end of the object for a range outside it', async () => {
    const source = await sourceOver((_, response) => {
      response.writeHead(206, ranged(5, 10, 10)).end(Buffer.alloc(5));
    });
    await expect(source.read(object, { start: 5, end: 11 }, OPEN)).rejects.toMatchObject({ code: 'staging.range' });
  });

  it('takes no answer for the wrong content, the whole object or another range', async () => {
    let headers: Record<string, string | number> = { ...ranged(0, 10, 10), etag: '"v2"' };
    const source = await sourceOver((_, response) => {
      response.writeHead('content-range' in headers ? 206 : 200, headers).end(Buffer.alloc(10));
    });
    const read = () => source.read(object, { start: 0, end: 10 }, OPEN);
    await expect(read()).rejects.toMatchObject({ kind: 'gone', code: 'staging.changed' });
    headers = { etag: '"v1"', 'content-length': 10 };
    await expect(read()).rejects.toMatchObject({ kind: 'bug', code: 'staging.bad_answer' });
    headers = ranged(10, 20, 30);
    await expect(read()).rejects.toMatchObject({ kind: 'bug', code: 'staging.bad_answer' });
  });

  it.each(['before the answer', 'in the middle of the body'])('closes the socket when aborted %s', async (when) => {
    const abort = new AbortController();
    const closed = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const source = await sourceOver((request, response) => {
      request.socket.once('close', () => closed.resolve());
      reached.resolve();
      if (when === 'before the answer') return;
      response.writeHead(206, ranged(0, 1000, 1000)).write(Buffer.alloc(10));
    });
    const reading = source.read(object, { start: 0, end: 1000 }, abort.signal).then(lengthOf);
    await reached.promise;
    const reason = new Error('the lease is over');
    abort.abort(reason);
    await expect(reading).rejects.toBe(reason);
    await closed.promise;
  });

  it('closes the socket when the reader cancels', async () => {
    const closed = Promise.withResolvers<void>();
    const source = await sourceOver((request, response) => {
      request.socket.once('close', () => closed.resolve());
      response.writeHead(206, ranged(0, 1000, 1000)).write(Buffer.alloc(10));
    });
    await (await source.read(object, { start: 0, end: 1000 }, OPEN)).cancel();
    await closed.promise;
  });

  it('uses the same connection for one read after another', async () => {
    const sockets = new Set<unknown>();
    const source = await sourceOver((request, response) => {
      sockets.add(request.socket);
      response.writeHead(206, ranged(0, 10, 10)).end(Buffer.alloc(10));
    });
    for (let reads = 0; reads < 3; reads++) {
      expect(await lengthOf(await source.read(object, { start: 0, end: 10 }, OPEN))).toBe(10);
    }
    expect(sockets.size).toBe(1);
  });

  it('asks nothing for an empty range', async () => {
    let requests = 0;
    const source = await sourceOver((_, response) => {
      requests++;
      response.writeHead(500).end();
    });
    expect(await lengthOf(await source.read(object, { start: 5, end: 5 }, OPEN))).toBe(0);
    expect(requests).toBe(0);
  });
});

describe('s3StagingSource, refused', () => {
  it.each([
    [403, 'AccessDenied', 'auth', 'staging.denied'],
    [403, 'SignatureDoesNotMatch', 'auth', 'staging.denied'],
    [400, 'ExpiredToken', 'auth', 'staging.denied'],
    [404, 'NoSuchBucket', 'auth', 'staging.no_bucket'],
    [503, 'SlowDown', 'throttled', 'staging.slow_down'],
    [503, 'ServiceUnavailable', 'transient', 'staging.unavailable'],
    [500, 'InternalError', 'transient', 'staging.unavailable'],
    [400, 'InvalidRequest', 'bug', 'staging.refused'],
  ])('takes %d %s for %s %s, in every call', async (status, code, kind, fault) => {
    const source = await sourceOver(refusal(status, code));
    await Promise.all([
      expect(source.list({ prefix: 'a', limit: 1 })).rejects.toMatchObject({ kind, code: fault }),
      expect(source.read(object, { start: 0, end: 1 }, OPEN)).rejects.toMatchObject({ kind, code: fault }),
      expect(source.remove('a')).rejects.toMatchObject({ kind, code: fault }),
    ]);
  });

  it.each([
    [403, 'auth', 'staging.denied'],
    [500, 'transient', 'staging.unavailable'],
    [404, null, null],
  ])('takes the bare status %d of a HEAD for %s %s', async (status, kind, code) => {
    const source = await sourceOver((_, response) => response.writeHead(status).end());
    if (kind === null) expect(await source.stat('a')).toBeNull();
    else await expect(source.stat('a')).rejects.toMatchObject({ kind, code });
  });

  it('takes a store that cannot be reached for unavailable, without its address', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const endpoint = endpointOf(server.address());
    server.close();
    await once(server, 'close');
    const error: unknown = await sourceAt(endpoint)
      .stat('a')
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: 'transient', code: 'staging.unavailable' });
    expect(String(error)).toContain('ECONNREFUSED');
    expect(String(error)).not.toContain('127.0.0.1');
  });

  it('leaves the object when the store cannot remove conditionally', async () => {
    const source = await sourceOver(refusal(501, 'NotImplemented'));
    expect(await source.remove('a', 'v1')).toBe(false);
  });
});

describe('s3StagingSource, listing', () => {
  it('decodes keys only when the store says that it encoded them', async () => {
    const listing = (key: string, encoding: string) =>
      `<ListBucketResult><IsTruncated>false</IsTruncated>${encoding}<Contents><Key>${key}</Key>` +
      '<ETag>&quot;v1&quot;</ETag><Size>3</Size><LastModified>2026-11-22T00:00:00.123Z</LastModified></Contents></ListBucketResult>';
    let body = listing('a+b%2Bc%20%E4%B8%AD%01', '<EncodingType>url</EncodingType>');
    const source = await sourceOver((_, response) => {
      response.writeHead(200, { 'content-type': 'application/xml' }).end(body);
    });
    const listed = async () => (await source.list({ prefix: '', limit: 5 }))[0];
    expect(await listed()).toEqual({
      key: 'a b+c 中\u0001',
      version: 'v1',
      sizeBytes: 3,
      modifiedAtMs: Date.UTC(2026, 10, 22, 0, 0, 0, 123),
    });
    body = listing('a+b%2Bc', '');
    expect((await listed())?.key).toBe('a+b%2Bc');
  });
});

async function sourceOver(behaviour: Behaviour): Promise<StagingSource> {
  const server = createServer((request, response) => {
    request.resume();
    behaviour(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return sourceAt(endpointOf(server.address()));
}

function sourceAt(endpoint: string): StagingSource {
  const client = s3Client({
    endpoint,
    region: 'us-east-1',
    accessKeyId: 'k',
    secretAccessKey: 's',
    forcePathStyle: true,
  });
  cleanups.push(async () => client.destroy());
  return s3StagingSource(client, 'staging');
}

function endpointOf(address: ReturnType<ReturnType<typeof createServer>['address']>): string {
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port');
  return `http://127.0.0.1:${address.port}`;
}

function ranged(start: number, end: number, total: number): Record<string, string | number> {
  return { etag: '"v1"', 'content-length': end - start, 'content-range': `bytes ${start}-${end - 1}/${total}` };
}

function refusal(status: number, code: string): Behaviour {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/xml' });
    response.end(`<Error><Code>${code}</Code><Message>no</Message></Error>`);
  };
}

async function lengthOf(stream: ReadableStream<Uint8Array>): Promise<number> {
  let sizeBytes = 0;
  for await (const piece of stream) sizeBytes += piece.byteLength;
  return sizeBytes;
}
