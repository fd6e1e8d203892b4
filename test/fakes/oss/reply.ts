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

export function allowOrigin(origins: readonly string[], request: IncomingMessage, response: ServerResponse): void {
  const { origin } = request.headers;
  if (origin === undefined || !origins.includes(origin)) return;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', 'ETag, x-oss-request-id, x-oss-hash-crc64ecma');
}

export function preflight(request: IncomingMessage, response: ServerResponse): void {
  if (!response.hasHeader('access-control-allow-origin')) return void response.writeHead(403).end();
  response.setHeader('access-control-allow-methods', 'GET, PUT, HEAD');
  response.setHeader('access-control-allow-headers', request.headers['access-control-request-headers'] ?? '');
  response.writeHead(200).end();
}
