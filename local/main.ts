/** `npm start`: everything on one machine, in one process. */
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { serve, type WebSocketServerLike } from '@hono/node-server';
import { withSecretFiles } from '#adapters/system/secret-files.ts';
import { progressHub } from '#core/progress/hub.ts';
import { traceOf } from '#core/trace.ts';
import { webhookRounds } from '#core/webhooks/rounds.ts';
import { createApi } from '../functions/api.ts';
import { isSameToken } from '../functions/identity.ts';
import type { EventDeps } from '../functions/routes/events.ts';
import { fileHandler, guestHandler, inboxHandler, sweepHandler } from '../functions/sweep.ts';
import { newestTransfers } from '../relay/newest-transfers.ts';
import { endOnSignals, inOneLine, listening } from '../relay/process.ts';
import { mountSockets } from '../relay/sockets.ts';
import { connectionStats } from '../relay/stats-answer.ts';
import { ticketOffice } from '../relay/tickets.ts';
import { every } from '../relay/timers.ts';
import { type DataDir, openDataDir } from './data-dir.ts';
import { composeLocal } from './deps.ts';
import { readEnv } from './env.ts';
import { mountPage } from './page.ts';

const OWNER = 'local';
const EVENTS_TOKEN = 'events-token';
const CAPABILITY_SECRET = 'capability-key';
const SWEEP_MS = 1_000;
/** What an event lost, and what was put for a destination that came later. */
const INBOX_MS = 60 * 60_000;
/** Requests under way get this long to end when the process is told to. */
const REQUESTS_MS = 3_000;
const WATCH_MS = 60_000;
/** The shortest time after which one that was not taken is posted again. */
const WEBHOOKS_MS = 5_000;
const GATHER_MS = 200;

try {
  await start();
} catch (error) {
  process.stderr.write(`Entrepot cannot start: ${inOneLine(error)}\n`);
  process.exit(1);
}

async function start(): Promise<void> {
  const env = readEnv(withSecretFiles(process.env));
  const data = openDataDir(env.ENTREPOT_DATA);
  // What was given by environment is on no disk: without the variable the directory's own token is valid again.
  const token = env.ENTREPOT_TOKEN ?? data.secret('token');
  const local = await composeLocal(env, data);
  const { engine, intake, arrivals, multipart, files, logins, browserOf } = local;
  const { clock, log } = engine;

  const tickets = ticketOffice({ clock, randomBytes });
  const watch = local.watch(OWNER);
  const webhooks = local.webhooks(OWNER);
  const app = createApi({
    engine,
    intake,
    authenticate: (given) => (isSameToken(given, token) ? OWNER : null),
    issueTicket: tickets.issue,
    logins,
    receipts: local.receipts,
    browserOf,
    kinds: local.kinds,
    webhooks: webhooks.desk,
    ...(local.agentDoor === undefined ? {} : { fleet: local.agentDoor.registry, agentDoor: local.agentDoor }),
    files,
    metrics: {
      read: () => watch.readMetrics(sockets),
      for: env.ENTREPOT_METRICS === 'open' ? 'anybody' : 'owner',
    },
    sockets: (ownerId) => connectionStats({ sockets, hub }, ownerId),
    companion: { multipart, capabilitySecret: data.secret(CAPABILITY_SECRET) },
    ...(arrivals === null ? {} : { events: pushedEvents(arrivals.events, data) }),
  });
  const hub = progressHub({
    feed: local.feed,
    clock,
    epoch: crypto.randomUUID(),
    readTransfers: newestTransfers(engine),
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
  every(clock, INBOX_MS, stopped.signal, fileHandler(files.desk), onTimerError);
  every(clock, WATCH_MS, stopped.signal, watch.look, onTimerError);
  for (const { everyMs, work } of arrivals?.timers ?? []) every(clock, everyMs, stopped.signal, work, onTimerError);

  await local.serve();
  const told = { pump: webhooks.pump, feed: local.feed, clock, log };
  const rounds = webhookRounds({ ...told, everyMs: WEBHOOKS_MS, gatherMs: GATHER_MS });

  const { port } = server.address() as AddressInfo;
  const url = `http://${nameOf(env.HOST)}:${port}`;
  data.write('url', `${url}\n`);
  endOnSignals(async () => {
    stopped.abort();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await sockets.close();
    await Promise.race([closed, clock.sleep(REQUESTS_MS)]);
    await rounds.stop();
    await local.drain();
    data.close();
  });
  for (const warning of local.warnings) process.stderr.write(`Entrepot warns: ${warning}\n`);
  const secretPart = env.ENTREPOT_READY_LINE === 'link' ? `/#token=${encodeURIComponent(token)}` : '';
  process.stdout.write(`Entrepot ready  ${url}${secretPart}\n`);
}

/** For a store that tells its events by HTTP: `entrepot s3 --events-url` finds the token in its file. */
function pushedEvents(events: Omit<EventDeps, 'isToken'>, data: DataDir): EventDeps {
  const token = data.secret(EVENTS_TOKEN);
  return { ...events, isToken: (given) => isSameToken(given, token) };
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
