/** The relay as a process of its own: what must stay connected while functions come and go. */
import type { AddressInfo } from 'node:net';
import { serve, type WebSocketServerLike } from '@hono/node-server';
import { withSecretFiles } from '#adapters/system/secret-files.ts';
import { sealKey } from '#adapters/vault/seal.ts';
import { nodePost } from '#adapters/webhook-post/node.ts';
import { speedLimits } from '#core/limits/speeds.ts';
import { traceOf } from '#core/trace.ts';
import { alertBook } from '#core/watch/alert-book.ts';
import { tallyOf } from '#core/watch/tally.ts';
import { alertWatch } from '#core/watch/watch.ts';
import { webhookRounds } from '#core/webhooks/rounds.ts';
import { readEnv, readSecrets, SECRETS_OF } from '../functions/env.ts';
import { OWNER } from '../functions/owner.ts';
import { composePump } from '../functions/webhooks.ts';
import { relayApp } from './app.ts';
import { startChannels } from './channels.ts';
import { composeRelay } from './deps.ts';
import { RelayEnv } from './env.ts';
import { endOnSignals, inOneLine, listening } from './process.ts';
import { every } from './timers.ts';

/** Longer than a load balancer keeps an idle connection (an hour at most), or it would send requests into closed ones. */
const KEEP_ALIVE_MS = 65 * 60_000;
/** Of all sockets together: an eighth of the smallest container. */
const BUFFERED_MOST_BYTES = 64 * 1024 * 1024;
const SHED_MS = 1_000;
const STATE_MS = 60_000;
/** Each look reads some hundred rows, which are paid for. */
const WATCH_MS = 5 * 60_000;
const WEBHOOKS_MS = 60_000;
/** Each round reads a few rows for each webhook. */
const GATHER_MS = 1_000;
/** Requests under way get this long to end when the process is told to. */
const REQUESTS_MS = 3_000;

try {
  await start();
} catch (error) {
  process.stderr.write(`The relay cannot start: ${inOneLine(error)}\n`);
  process.exit(1);
}

async function start(): Promise<void> {
  const variables = withSecretFiles(process.env);
  const env = readEnv(RelayEnv, variables);
  const secrets = readSecrets(SECRETS_OF.relay, variables);
  const agentPort = env.ENTREPOT_AGENT_PORT;
  const agentSecrets = agentPort === undefined ? null : readSecrets(SECRETS_OF.agents, variables);
  const relay = await composeRelay(env, secrets, agentSecrets);
  const { hub, engine, fleet } = relay;
  const { clock, log } = engine;
  const stopping = new AbortController();

  const { fetch, sockets } = relayApp({
    ...relay,
    clock,
    table: engine.table,
    sink: relay.progress,
    progressKeys: [secrets.ENTREPOT_PROGRESS_KEY],
    pageOrigins: env.ENTREPOT_PAGE_URL === undefined ? [] : [new URL(env.ENTREPOT_PAGE_URL).origin],
    limits: { connectionsMax: env.ENTREPOT_SOCKETS_MAX, connectionsPerOwnerMax: env.ENTREPOT_SOCKETS_MAX },
    isDraining: () => stopping.signal.aborted,
    ...(fleet === null ? {} : { callsAtAgents: fleet.answer }),
  });
  const server = serve({
    fetch,
    hostname: env.HOST,
    port: env.PORT,
    serverOptions: { keepAliveTimeout: KEEP_ALIVE_MS },
    // ws types its options as `boolean | undefined` where the server's type says `boolean`.
    websocket: { server: sockets.websocketServer as WebSocketServerLike },
  });
  await listening(server);
  const { port } = server.address() as AddressInfo;
  log.info('relay.started', { port });

  const shed = async (): Promise<void> => {
    const cut = sockets.shed(BUFFERED_MOST_BYTES);
    if (cut > 0) log.error('relay.shed', { cut });
  };
  const tellState = async (): Promise<void> => {
    const { rss } = process.memoryUsage();
    log.info('relay.state', { ...sockets.stats(), ...relay.stats(), uploads: hub.stats().uploads, rssBytes: rss });
  };
  const onTimerError = (error: unknown): void => log.error('timer.failed', traceOf(error));
  every(clock, SHED_MS, stopping.signal, shed, onTimerError);
  every(clock, STATE_MS, stopping.signal, tellState, onTimerError);
  const { progress } = relay;
  const tally = tallyOf(progress, clock);
  const { list: agents, refusals } = fleet?.registry ?? {};
  const watched = {
    ...{ ownerId: OWNER, table: engine.table, book: alertBook(engine), tally, progress, clock, log },
    speedLimits: () => speedLimits(engine.destinations),
    ...(agents === undefined || refusals === undefined ? {} : { agents, refusals }),
  };
  every(clock, WATCH_MS, stopping.signal, alertWatch(watched), onTimerError);
  const channels = startChannels(engine, relay.progress);
  const post = nodePost({ reach: 'public' });
  const key = sealKey(Buffer.from(secrets.ENTREPOT_SEAL_KEY, 'base64'));
  const pump = composePump({ engine, key, post, ownerId: OWNER });
  const webhooks = webhookRounds({ pump, feed: progress, clock, log, everyMs: WEBHOOKS_MS, gatherMs: GATHER_MS });
  if (fleet !== null) {
    const security = env.ENTREPOT_AGENT_PLAIN === 'yes' ? 'plain' : 'loopback';
    const where = { host: env.HOST, security, ...(agentPort === undefined ? {} : { port: agentPort }) } as const;
    log.info('agents.listening', { port: await fleet.listen(engine.destinations, where) });
  }

  endOnSignals(async () => {
    stopping.abort();
    log.info('relay.draining', { connections: sockets.stats().connections });
    await Promise.all([
      channels.stop(),
      webhooks.stop(),
      fleet?.close(),
      sockets.close(env.ENTREPOT_DRAIN_SECONDS * 1_000),
    ]);
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await Promise.race([closed, clock.sleep(REQUESTS_MS)]);
    relay.close();
    log.info('relay.ended');
  });
}
