/** `npm start`: everything on one machine, in one process. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { type ServerType, serve, type WebSocketServerLike } from '@hono/node-server';
import { progressHub } from '#core/progress/hub.ts';
import { traceOf } from '#core/trace.ts';
import { createApi } from '../functions/api.ts';
import type { EventDeps } from '../functions/routes/events.ts';
import { guestHandler, inboxHandler, sweepHandler } from '../functions/sweep.ts';
import { viewer } from '../functions/viewing.ts';
import { mountSockets } from '../relay/sockets.ts';
import { ticketOffice } from '../relay/tickets.ts';
import { type DataDir, openDataDir } from './data-dir.ts';
import { composeLocal } from './deps.ts';
import { readEnv } from './env.ts';
import { mountPage } from './page.ts';
import { every } from './timers.ts';

const OWNER = 'local';
const EVENTS_TOKEN = 'events-token';
const CAPABILITY_SECRET = 'capability-key';
const SWEEP_MS = 1_000;
/** What an event lost, and what was put for a destination that came later. */
const INBOX_MS = 60 * 60_000;
const SNAPSHOT_MOST = 200;
/** Requests under way get this long to end when the process is told to. */
const REQUESTS_MS = 3_000;

try {
  await start();
} catch (error) {
  process.stderr.write(`Entrepot cannot start: ${inOneLine(error)}\n`);
  process.exit(1);
}

async function start(): Promise<void> {
  const env = readEnv(process.env);
  const data = openDataDir(env.ENTREPOT_DATA);
  // What was given by environment is on no disk: without the variable the directory's own token is valid again.
  const token = env.ENTREPOT_TOKEN ?? data.secret('token');
  const local = await composeLocal(env, data);
  const { engine, intake, arrivals, multipart } = local;
  const { clock, log } = engine;

  const tickets = ticketOffice({ clock, randomBytes });
  const app = createApi({
    engine,
    intake,
    authenticate: (given) => (isSame(given, token) ? OWNER : null),
    issueTicket: tickets.issue,
    companion: { multipart, capabilitySecret: data.secret(CAPABILITY_SECRET) },
    ...(arrivals === null ? {} : { events: pushedEvents(arrivals.events, data) }),
  });
  const { view } = viewer({ engine });
  const hub = progressHub({
    feed: local.feed,
    clock,
    epoch: crypto.randomUUID(),
    readTransfers: async (ownerId) =>
      Promise.all((await engine.table.owned(ownerId, { limit: SNAPSHOT_MOST })).map(({ row }) => view(row))),
  });
  const sockets = mountSockets(app, { hub, tickets, clock, allowOrigin: isOwnOrigin });
  mountPage(app);

  await local.takeOver();
  const server = serve({
    fetch: app.fetch,
    hostname: env.HOST,
    port: env.PORT,
    // ws types its options as `boolean | undefined` where the server's type says `boolean`.
    websocket: { server: sockets.websocketServer as WebSocketServerLike },
  });
  await listening(server);

  const stopped = new AbortController();
  const onTimerError = (error: unknown): void => log.error('timer.failed', traceOf(error));
  every(clock, SWEEP_MS, stopped.signal, sweepHandler(engine), onTimerError);
  every(clock, INBOX_MS, stopped.signal, inboxHandler(intake), onTimerError);
  every(clock, INBOX_MS, stopped.signal, guestHandler({ intake, multipart, cells: engine.cells }), onTimerError);
  for (const { everyMs, work } of arrivals?.timers ?? []) every(clock, everyMs, stopped.signal, work, onTimerError);

  const { port } = server.address() as AddressInfo;
  const url = `http://${nameOf(env.HOST)}:${port}`;
  data.write('url', `${url}\n`);
  endOnSignals(async () => {
    stopped.abort();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await sockets.close();
    await Promise.race([closed, clock.sleep(REQUESTS_MS)]);
    await local.drain();
    data.close();
  });
  for (const warning of local.warnings) process.stderr.write(`Entrepot warns: ${warning}\n`);
  process.stdout.write(`Entrepot ready  ${url}/#token=${encodeURIComponent(token)}\n`);
}

/** For a store that tells its events by HTTP: `entrepot s3 --events-url` finds the token in its file. */
function pushedEvents(events: Omit<EventDeps, 'isToken'>, data: DataDir): EventDeps {
  const token = data.secret(EVENTS_TOKEN);
  return { ...events, isToken: (given) => isSame(given, token) };
}

/** The first signal ends in good order, another one at once. */
function endOnSignals(end: () => Promise<void>): void {
  let isEnding = false;
  const onSignal = (): void => {
    if (isEnding) process.exit(1);
    isEnding = true;
    end().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`Entrepot did not end in good order: ${inOneLine(error)}\n`);
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
}

function listening(server: ServerType): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('listening', () => resolve());
    server.once('error', reject);
  });
}

function inOneLine(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  if ('code' in error && error.code === 'EADDRINUSE' && 'port' in error) {
    return `port ${error.port} is in use: end what has it, or choose others with PORT and BUCKET_PORT`;
  }
  return error.message.replaceAll(/\s*\n\s*/g, ' ').slice(0, 1_000);
}

/** How a person on this machine reaches a server that it bound to `host`. */
function nameOf(host: string): string {
  if (host === '127.0.0.1' || host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

/** A browser's page may open sockets only from the address it was loaded from. */
function isOwnOrigin(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host;
}

function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
