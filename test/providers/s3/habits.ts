/**
 * Stands between the driver and a store, and does by name what bad stores, networks and proxies do. Requests pass to the letter,
 * so that their signatures hold; answers may be lost, replaced or edited.
 */
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Operation =
  | 'create'
  | 'part'
  | 'copy'
  | 'complete'
  | 'abort'
  | 'list'
  | 'head'
  | 'head-bucket'
  | 'put'
  | 'delete'
  | 'other';

export interface Call {
  readonly operation: Operation;
  /** Of this operation, from 1. */
  readonly nth: number;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

/** `lose` cuts the connection, before the store has heard of it or after. */
export type Deed =
  | {
      readonly kind: 'refuse';
      readonly status: number;
      readonly code: string;
      readonly retryAfterSeconds?: number;
      /** In place of the error document. */
      readonly text?: string;
    }
  | { readonly kind: 'lose'; readonly side: 'before' | 'after' }
  | { readonly kind: 'edit'; header?(name: string, value: string): string; body?(text: string): string };

/** What is done to a call; null lets it pass. */
export type Habit = (call: Call) => Deed | null;

export interface BadStore extends AsyncDisposable {
  readonly url: string;
  /** Operations that the store has heard of, in order. */
  readonly calls: readonly Call[];
  /** That clients have opened so far. */
  connections(): number;
  habit: Habit;
}

export const NONE: Habit = () => null;

export async function badStore(endpoint: string, habit: Habit = NONE): Promise<BadStore> {
  const calls: Call[] = [];
  const server = createServer((incoming, response) => {
    const operation = operationOf(incoming);
    const nth = calls.filter((call) => call.operation === operation).length + 1;
    const call = { operation, nth, path: (incoming.url ?? '').split('?')[0] ?? '', headers: incoming.headers };
    calls.push(call);
    serve(endpoint, incoming, response, store.habit(call));
  }).listen(0, '127.0.0.1');
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const store: BadStore = {
    url: `http://127.0.0.1:${port}`,
    calls,
    connections: () => connections,
    habit,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return store;
}

function serve(endpoint: string, incoming: IncomingMessage, response: ServerResponse, deed: Deed | null): void {
  if (deed?.kind === 'lose' && deed.side === 'before') {
    incoming.socket.destroy();
    return;
  }
  if (deed?.kind === 'refuse') {
    refuse(incoming, response, deed);
    return;
  }
  const { hostname, port } = new URL(endpoint);
  const { method, url, headers } = incoming;
  const outgoing = httpRequest({ hostname, port, method, path: url, headers, agent: false }, (answer) => {
    if (deed?.kind === 'lose') answer.resume().once('end', () => incoming.socket.destroy());
    else if (deed?.kind === 'edit') void edit(answer, response, deed);
    else answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.headers));
  });
  outgoing.once('error', () => incoming.socket.destroy());
  incoming.once('error', () => outgoing.destroy());
  incoming.pipe(outgoing);
}

function refuse(incoming: IncomingMessage, response: ServerResponse, deed: Deed & { readonly kind: 'refuse' }): void {
  const { status, code, retryAfterSeconds, text } = deed;
  incoming.resume().once('end', () => {
    response.writeHead(status, {
      'content-type': 'application/xml',
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    });
    const document = `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>no</Message></Error>`;
    response.end(incoming.method === 'HEAD' ? undefined : (text ?? document));
  });
}

async function edit(answer: IncomingMessage, response: ServerResponse, deed: Deed & { readonly kind: 'edit' }) {
  const pieces: Buffer[] = [];
  for await (const piece of answer) pieces.push(piece);
  const text = Buffer.concat(pieces).toString();
  const body = deed.body?.(text) ?? text;
  const { 'transfer-encoding': _, ...headers } = answer.headers;
  // The answer to a HEAD tells a length that no body has.
  const isEdited = body !== text || headers['content-length'] === undefined;
  const told = isEdited ? { ...headers, 'content-length': String(Buffer.byteLength(body)) } : headers;
  const edited = Object.entries(told).map(([name, value]) => [
    name,
    deed.header?.(name, String(value)) ?? String(value),
  ]);
  response.writeHead(answer.statusCode ?? 502, Object.fromEntries(edited));
  response.end(body);
}

function operationOf({ method = '', url = '', headers }: IncomingMessage): Operation {
  const { pathname, searchParams: query } = new URL(url, 'http://store');
  const isBucket = pathname.split('/').filter((part) => part !== '').length < 2;
  const hasUpload = query.has('uploadId');
  if (method === 'HEAD') return isBucket ? 'head-bucket' : 'head';
  if (method === 'POST') return query.has('uploads') ? 'create' : hasUpload ? 'complete' : 'other';
  if (method === 'GET') return hasUpload ? 'list' : 'other';
  if (method === 'DELETE') return hasUpload ? 'abort' : 'delete';
  if (method === 'PUT' && hasUpload) return 'x-amz-copy-source' in headers ? 'copy' : 'part';
  return method === 'PUT' ? 'put' : 'other';
}
