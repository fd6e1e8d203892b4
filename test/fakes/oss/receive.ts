/** A request, read to its end and taken apart. */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Exchange } from './exchange.ts';
import { formOf } from './form.ts';
import { refuse } from './refusal.ts';

/** OSS takes the bucket from the host name alone. An address has no labels to take it from, so there it may be in the path. */
export async function exchangeOf(
  request: IncomingMessage,
  kept: Pick<Exchange, 'store' | 'settings'>,
): Promise<Exchange> {
  const [path = '/', search = ''] = (request.url ?? '/').split('?', 2);
  const host = request.headers.host ?? '';
  const decodedPath = decodeURIComponent(path).slice(1);
  const isInPath = /^127\.|^localhost/.test(host);
  const slash = decodedPath.includes('/') ? decodedPath.indexOf('/') : decodedPath.length;
  const body = await bodyOf(request);
  const digest = request.headers['content-md5'];
  if (digest !== undefined && digest !== createHash('md5').update(body).digest('base64')) {
    refuse(400, 'InvalidDigest', 'The Content-MD5 you specified did not match what we received.');
  }
  const contentType = request.headers['content-type'] ?? '';
  const isForm = request.method === 'POST' && contentType.startsWith('multipart/form-data');
  return {
    form: isForm ? await formOf(body, contentType) : null,
    method: request.method ?? '',
    bucket: isInPath ? decodedPath.slice(0, slash) : (host.split('.')[0] ?? ''),
    key: isInPath ? decodedPath.slice(slash + 1) : decodedPath,
    query: new URLSearchParams(search.replaceAll('+', '%2B')),
    headers: request.headers,
    body,
    ...kept,
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  if (request.method === 'PUT' && request.headers['content-length'] === undefined) {
    refuse(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.');
  }
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}
