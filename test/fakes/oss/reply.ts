/** An answer on its way, as it should be or as a habit has it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from './exchange.ts';
import type { Habit } from './habits.ts';

export interface Reply {
  readonly answer: Answer;
  readonly habit: Habit | undefined;
  readonly sent: (sizeBytes: number) => void;
}

/** `sent` is told of each piece. */
export async function reply(
  request: IncomingMessage,
  response: ServerResponse,
  { answer, habit, sent }: Reply,
): Promise<void> {
  const headers = { ...answer.headers };
  if (habit === 'wrong crc') headers['x-oss-hash-crc64ecma'] = '1';
  if (habit === 'no crc') delete headers['x-oss-hash-crc64ecma'];
  const body = Buffer.from(answer.body ?? '');
  if (habit === 'damaged') body.writeUInt8(body.readUInt8(body.length >> 1) ^ 1, body.length >> 1);
  response.writeHead(answer.status, { 'content-length': body.length, ...headers });
  if (request.method === 'HEAD') return void response.end();
  const end = habit === 'cut' ? body.length >> 1 : body.length;
  for (let at = 0; at < end && !response.destroyed; at += PIECE_BYTES) {
    const piece = body.subarray(at, Math.min(at + PIECE_BYTES, end));
    sent(piece.length);
    if (!response.write(piece)) await roomIn(response);
  }
  if (habit === 'cut') response.destroy();
  else response.end();
}

function roomIn(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      response.off('drain', go);
      response.off('close', go);
      resolve();
    };
    response.once('drain', go);
    response.once('close', go);
  });
}

const PIECE_BYTES = 64 * 1024;

/** By the bucket's rules, of which it has one. */
export function allowOrigin(rules: string, request: IncomingMessage, response: ServerResponse): void {
  const { origin } = request.headers;
  const allowed = said(rules, 'AllowedOrigin').find((each) => each === '*' || each === origin);
  if (origin === undefined || allowed === undefined) return;
  response.setHeader('access-control-allow-origin', allowed);
  response.setHeader('access-control-expose-headers', said(rules, 'ExposeHeader').join(', '));
}

export function preflight(rules: string, request: IncomingMessage, response: ServerResponse): void {
  const methods = said(rules, 'AllowedMethod');
  const isAsked = methods.includes(request.headers['access-control-request-method'] ?? '');
  if (!isAsked || !response.hasHeader('access-control-allow-origin')) return void response.writeHead(403).end();
  response.setHeader('access-control-allow-methods', methods.join(', '));
  response.setHeader('access-control-allow-headers', request.headers['access-control-request-headers'] ?? '');
  response.writeHead(200).end();
}

/** What the page at this origin may do when a test says no more than that. */
export function rulesFor(origins: readonly string[]): string {
  const each = (name: string, values: readonly string[]) =>
    values.map((value) => `<${name}>${value}</${name}>`).join('');
  const exposed = ['ETag', 'x-oss-request-id', 'x-oss-hash-crc64ecma'];
  const rule =
    each('AllowedOrigin', origins) + each('AllowedMethod', ['GET', 'PUT', 'HEAD']) + each('ExposeHeader', exposed);
  return `<CORSConfiguration><CORSRule>${rule}</CORSRule></CORSConfiguration>`;
}

function said(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, value = '']) => value);
}
