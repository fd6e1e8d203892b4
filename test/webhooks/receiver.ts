/** A receiver on a real socket that believes nothing: it reads the signature by the specification, with other means than ours. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import * as z from 'zod';

export interface Heard {
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

/** What it does with an event once it has it whole and has found the signature right. */
export type Manner = (answer: ServerResponse, heard: Heard) => void;

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  /** All that came with a good signature, in the order of coming; repeats too. */
  readonly heard: readonly Heard[];
  /** Why something was not believed. */
  readonly refused: readonly string[];
  trust(secret: string): void;
  behave(manner: Manner): void;
  /** Resolves with the next one that comes. */
  next(): Promise<Heard>;
}

export const taking: Manner = (answer) => void answer.writeHead(204).end();
export const answering =
  (status: number, headers: Readonly<Record<string, string>> = {}): Manner =>
  (answer) =>
    void answer.writeHead(status, headers).end();
export const silent: Manner = () => undefined;
/** It has the event, and nobody hears that. */
export const cutting: Manner = (answer) => void answer.destroy();

const Body = z.object({ type: z.string(), timestamp: z.iso.datetime(), data: z.record(z.string(), z.unknown()) });

export async function startReceiver(): Promise<Receiver> {
  const heard: Heard[] = [];
  const refused: string[] = [];
  let secret = '';
  let manner: Manner = taking;
  let told = Promise.withResolvers<Heard>();

  async function take(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await text(request);
    const problem = await problemOf(request, body, secret);
    if (problem !== null) {
      refused.push(problem);
      return void answer.writeHead(400).end();
    }
    const { type, data } = Body.parse(JSON.parse(body));
    const event = { id: String(request.headers['webhook-id']), type, data, body, headers: request.headers };
    heard.push(event);
    manner(answer, event);
    told.resolve(event);
    told = Promise.withResolvers();
  }

  const server = createServer((request, answer) => {
    take(request, answer).catch((error: unknown) => {
      refused.push(String(error));
      answer.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // It listens on a port, not on a path.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook?k=1`,
    heard,
    refused,
    trust: (given) => {
      secret = given;
    },
    behave: (next) => {
      manner = next;
    },
    next: () => told.promise,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Standard Webhooks 1.0, as a receiver reads it; the age of the timestamp is left to whoever has the time. */
async function problemOf({ method, headers }: IncomingMessage, body: string, secret: string): Promise<string | null> {
  if (method !== 'POST') return `a ${method}`;
  if (headers['content-type'] !== 'application/json') return 'no JSON';
  const [id, at, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => headers[name]);
  if (typeof id !== 'string' || typeof at !== 'string' || typeof signatures !== 'string') return 'a header is missing';
  if (id === '' || id.includes('.')) return 'an id with a full stop in it';
  if (!/^\d{10}$/.test(at)) return 'a time that is not in seconds';
  const raw = Uint8Array.from(atob(secret.replace('whsec_', '')), (char) => char.charCodeAt(0));
  if (raw.byteLength < 24 || raw.byteLength > 64) return 'a secret of a length that is not allowed';
  const key = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
  for (const entry of signatures.split(' ')) {
    const [version, signature = ''] = entry.split(',');
    const bytes = Uint8Array.from(atob(signature), (char) => char.charCodeAt(0));
    const signed = new TextEncoder().encode(`${id}.${at}.${body}`);
    if (version === 'v1' && (await crypto.subtle.verify('HMAC', key, bytes, signed))) return null;
  }
  return 'another signature';
}
