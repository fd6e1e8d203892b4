/** `npm start`: everything on one machine, in one process. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { serve, type WebSocketServerLike } from '@hono/node-server';
import { progressHub } from '#core/progress/hub.ts';
import { createApi } from '../functions/api.ts';
import { inboxHandler, sweepHandler } from '../functions/sweep.ts';
import { viewer } from '../functions/viewing.ts';
import { mountSockets } from '../relay/sockets.ts';
import { ticketOffice } from '../relay/tickets.ts';
import { openDataDir } from './data-dir.ts';
import { composeLocal } from './deps.ts';
import { readEnv } from './env.ts';
import { mountPage } from './page.ts';
import { every } from './timers.ts';

const OWNER = 'local';
const SWEEP_MS = 1_000;
const INBOX_MS = 60 * 60_000;
const SNAPSHOT_MOST = 200;

const env = readEnv(process.env);
const data = openDataDir(env.ENTREPOT_DATA);
const token = env.ENTREPOT_TOKEN ?? data.secret('token');
const local = await composeLocal(env, data);
const { engine, intake } = local;
const { clock, log } = engine;

const tickets = ticketOffice({ clock, randomBytes });
const app = createApi({
  engine,
  intake,
  authenticate: (given) => (isSame(given, token) ? OWNER : null),
  issueTicket: tickets.issue,
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
const stopped = new AbortController();
const server = serve({
  fetch: app.fetch,
  hostname: env.HOST,
  port: env.PORT,
  // ws types its options as `boolean | undefined` where the server's type says `boolean`.
  websocket: { server: sockets.websocketServer as WebSocketServerLike },
});
server.on('error', (error: Error) => {
  process.stderr.write(`Entrepot cannot listen: ${error.message}\n`);
  process.exit(1);
});
await new Promise<void>((resolve) => server.once('listening', () => resolve()));

const sweep = sweepHandler(engine);
const onTimerError = (error: unknown): void =>
  log.error('timer.failed', { reason: error instanceof Error ? error.message : 'unknown' });
every(clock, SWEEP_MS, stopped.signal, sweep, onTimerError);
every(clock, INBOX_MS, stopped.signal, inboxHandler(intake), onTimerError);

const { port } = server.address() as AddressInfo;
const url = `http://${env.HOST === '127.0.0.1' || env.HOST === '0.0.0.0' ? 'localhost' : env.HOST}:${port}`;
data.write('url', `${url}\n`);
if (env.ENTREPOT_TOKEN !== undefined) data.write('token', `${token}\n`);
process.stdout.write(`Entrepot ready  ${url}/#token=${token}\n`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void drain());

async function drain(): Promise<void> {
  stopped.abort();
  server.close();
  await sockets.close();
  await local.drain();
  data.close();
  process.exit(0);
}

/** A browser's page may open sockets only from the address it was loaded from. */
function isOwnOrigin(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host;
}

function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
