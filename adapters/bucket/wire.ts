/** Bytes between the socket and an operation: the request body under the rate limit, the answer with back-pressure. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Content, Reply } from './context.ts';
import { S3Error } from './errors.ts';
import type { Throttle } from './throttle.ts';
import { errorDocument } from './xml.ts';

/** The largest body that is read and thrown away after a refusal, so that its sender gets to read the refusal. */
const DISCARD_BYTES_MAX = 64 * 1024 * 1024;

/** The other end closed the connection while an answer was being written; nobody's fault. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

/** Yields the raw body, as fast as the limit allows. Throws IncompleteBody when the client stops early. */
export async function* requestBody(
  http: IncomingMessage,
  limit: Throttle,
  count: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  try {
    // Left early, the stream must live on: destroying it would take the answer's socket with it.
    for await (const bytes of http.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      count(bytes.length);
      for (let at = 0; at < bytes.length; at += limit.sliceBytes) {
        await limit.take(Math.min(limit.sliceBytes, bytes.length - at));
      }
      yield bytes;
    }
  } catch (cause) {
    if (http.complete) throw cause;
    throw new S3Error('IncompleteBody');
  }
}

/** Writes an answer to its end. Throws ClientGone. */
export async function sendReply(
  response: ServerResponse,
  reply: Reply,
  limit: Throttle,
  count: (bytes: number) => void,
): Promise<void> {
  const { status, xml, content } = reply;
  const headers = { ...reply.headers };
  if (xml !== undefined) {
    headers['content-type'] = 'application/xml';
    headers['content-length'] = String(Buffer.byteLength(xml));
  } else if (status !== 204 && status !== 304) {
    headers['content-length'] ??= '0';
  }
  response.writeHead(status, headers);
  if (content) await sendContent(response, content, limit, count);
  response.end(xml);
}

/** Answers with the error document, or with its status alone where a body may not be. */
export function sendError(
  response: ServerResponse,
  error: S3Error,
  request: { id: string; method: string; path: string },
): void {
  const { code, message, status, details } = error;
  const { ActualObjectSize: sizeBytes } = details;
  const xml = errorDocument([
    ['Code', code],
    ['Message', message],
    ...Object.entries(details),
    ['Resource', request.path],
    ['RequestId', request.id],
  ]);
  response.writeHead(status, {
    'content-type': 'application/xml',
    ...(request.method === 'HEAD' ? {} : { 'content-length': String(Buffer.byteLength(xml)) }),
    ...(sizeBytes === undefined ? {} : { 'content-range': `bytes */${sizeBytes}` }),
  });
  response.end(request.method === 'HEAD' ? undefined : xml);
}

/** Reads what a refused client still sends, up to a bound, and then hangs up. */
export function discardBody(http: IncomingMessage): void {
  if (http.complete || http.destroyed) return;
  let discardedBytes = 0;
  http.on('data', (bytes: Buffer) => {
    discardedBytes += bytes.length;
    if (discardedBytes > DISCARD_BYTES_MAX) http.destroy();
  });
  http.on('error', () => undefined);
  http.resume();
}

async function sendContent(
  response: ServerResponse,
  content: Content,
  limit: Throttle,
  count: (bytes: number) => void,
): Promise<void> {
  for await (const bytes of content.chunks) {
    for (let at = 0; at < bytes.length; at += limit.sliceBytes) {
      const slice = bytes.subarray(at, at + limit.sliceBytes);
      await limit.take(slice.length);
      await written(response, slice);
      count(slice.length);
    }
  }
}

/** Resolves once the bytes have left, so that their buffer may be filled anew. */
function written(response: ServerResponse, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const gone = (cause?: unknown): void => reject(new ClientGone('the client went away', { cause }));
    if (response.destroyed) return gone();
    response.once('close', gone);
    response.write(bytes, (error) => {
      response.off('close', gone);
      if (error) gone(error);
      else resolve();
    });
  });
}
