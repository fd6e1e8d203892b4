/** A request from its coming to its answer, as it should be or as a habit has it. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Exchange, Operation, Place, Reply } from './exchange.ts';
import { early, type Habit, proxyPage } from './habits.ts';
import { rotateCsrf, sessionOf } from './passport.ts';
import { type Asked, type Leak, leaksOf } from './record.ts';
import { Refusal } from './refusal.ts';
import { handlers, operationOf } from './routes.ts';
import type { World } from './world.ts';

export interface State {
  readonly world: World;
  readonly endpoints: Map<string, string>;
  readonly asked: Asked[];
  readonly leaks: Leak[];
  readonly broken: unknown[];
  readonly habits: Map<string, Habit[]>;
  readonly dead: Set<string>;
  cut: { left: number; readonly done: 'before it is done' | 'after it is done' } | null;
  stalled: PromiseWithResolvers<void>;
  released: PromiseWithResolvers<void>;
}

export async function serve(
  state: State,
  place: Place,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams: query } = new URL(`http://fake${request.url}`);
  const path = pathname.replace(/\/{2,}/g, '/');
  const operation = operationOf(place, request.method ?? '', path, query);
  const asked = record(state, { ...place, operation, path, query }, request);
  const cut = cutOf(state);
  if (cut === 'before it is done') return void request.socket.destroy();
  const habit = cut === 'after it is done' ? 'done-but-lost' : habitOf(state, operation, place.line);
  if (habit === 'cut') return void request.socket.destroy();
  if (habit === 'reset-midway') return resetMidway(request);
  if (habit === 'stalled') await stall(state, request);
  const reply = early(habit) ?? (await replyTo(state, place, { request, path, query, habit, operation }));
  if (habit === 'done-but-lost') return void request.socket.destroy();
  const sent = habit === 'done-but-504' ? proxyPage(504) : reply;
  asked.status = sent.status ?? 200;
  write(response, sent);
}

/** Lets all stalled requests go on. */
export function release(state: State): void {
  state.released.resolve();
  state.stalled = Promise.withResolvers();
  state.released = Promise.withResolvers();
}

interface Met extends Place, Pick<Exchange, 'path' | 'query'> {
  readonly operation: Operation | null;
}

const ASKED_MAX = 10_000;
const BODY_BYTES_MAX = 8 * 1024 * 1024;

async function replyTo(
  { world, endpoints }: State,
  { line }: Place,
  asked: Pick<Exchange, 'request' | 'path' | 'query' | 'habit'> & { readonly operation: Operation | null },
): Promise<Reply> {
  const { operation, ...said } = asked;
  if (operation === null) return { status: 404, text: '' };
  const isRead = operation === 'part' || operation === 'line ok';
  const body = isRead ? Buffer.alloc(0) : await bodyOf(asked.request);
  const endpointOf = (name: string) => endpoints.get(`line ${name}`) ?? '';
  const exchange: Exchange = { ...said, world, line, body, endpointOf };
  try {
    const reply = await handlers[operation](exchange);
    const session = asked.habit === 'csrf-rotates' ? sessionOf(exchange) : undefined;
    if (session === undefined) return reply;
    return { ...reply, headers: { ...reply.headers, 'set-cookie': [rotateCsrf(world, session)] } };
  } catch (error) {
    if (error instanceof Refusal) return error.reply;
    throw error;
  }
}

function record(
  { world, asked, leaks }: State,
  { host, line, operation, path, query }: Met,
  request: IncomingMessage,
): Asked {
  const hasCookies = request.headers.cookie !== undefined;
  const method = request.method ?? '';
  const entry: Asked = { host, line, operation, method, path, queryKeys: [...query.keys()], hasCookies, status: null };
  asked.push(entry);
  if (asked.length > ASKED_MAX) asked.shift();
  if (leaks.length < ASKED_MAX) leaks.push(...leaksOf(world, request, { host, operation }));
  return entry;
}

function habitOf({ habits }: State, operation: Operation | null, line: string): Habit | undefined {
  return habits.get(`${operation} at ${line}`)?.shift() ?? habits.get(`${operation}`)?.shift();
}

function cutOf({ cut }: State): 'before it is done' | 'after it is done' | null {
  if (cut === null) return null;
  cut.left -= 1;
  if (cut.left > 0) return null;
  return cut.left === 0 ? cut.done : 'before it is done';
}

async function resetMidway(request: IncomingMessage): Promise<void> {
  const halfBytes = Number(request.headers['content-length'] ?? 0) / 2;
  let sizeBytes = 0;
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    sizeBytes += piece.length;
    if (sizeBytes >= halfBytes) break;
  }
  request.socket.resetAndDestroy();
}

async function stall(state: State, request: IncomingMessage): Promise<void> {
  state.stalled.resolve();
  const isGone = await Promise.race([state.released.promise, once(request.socket, 'close').then(() => 'gone')]);
  if (isGone === 'gone') throw new Error('nobody waits for this answer any more');
}

function write(response: ServerResponse, { status = 200, type, headers = {}, json, text, bytes }: Reply): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const body = bytes ?? Buffer.from(text ?? JSON.stringify(json));
  const usual = json === undefined ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8';
  response.writeHead(status, { 'content-type': type ?? usual, 'content-length': body.length });
  response.end(body);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const piece of request) {
    sizeBytes += piece.length;
    if (sizeBytes > BODY_BYTES_MAX) throw new Error('a test sends more than the fake takes');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
