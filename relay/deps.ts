/** The composition of the relay: the cloud home's engine, with viewers in this very process. */
import { randomBytes, randomUUID } from 'node:crypto';
import { Envelope } from '#adapters/http-progress/envelope.ts';
import { pendingRumours } from '#adapters/http-progress/pending.ts';
import { memoryProgress } from '#adapters/memory/progress.ts';
import { systemClock } from '#adapters/system/clock.ts';
import { progressHub } from '#core/progress/hub.ts';
import { traceOf } from '#core/trace.ts';
import { type CloudParts, composeCloud } from '../functions/deps.ts';
import type { SECRETS_OF, SecretName } from '../functions/env.ts';
import { cloudDrivers } from '../functions/kinds.ts';
import { parseJson } from './codec.ts';
import type { RelayEnv } from './env.ts';
import { newestTransfers } from './newest-transfers.ts';
import { onceAmong, onceHere } from './once.ts';
import { ownAddress } from './own-address.ts';
import { signedTicketOffice } from './signed-tickets.ts';
import type { RelayFleet } from './switchboard/fleet.ts';

export type RelaySecrets = Readonly<Record<Extract<SecretName, (typeof SECRETS_OF.relay)[number]>, string>>;
export type AgentSecrets = Readonly<Record<Extract<SecretName, (typeof SECRETS_OF.agents)[number]>, string>>;

/** Asks nobody anything yet, but connects to Redis where there is one, and does not wait for it. */
export async function composeRelay(env: RelayEnv, secrets: RelaySecrets, agentSecrets: AgentSecrets | null) {
  const clock = systemClock();
  const near = memoryProgress();
  const others = await otherRelays();
  const progress = others ?? near;
  const { engine, fleet, close } = composeCloud({
    env,
    progress,
    lostHints: 'logged',
    drivers: cloudDrivers(secrets.ENTREPOT_SEAL_KEY),
    ...(await fleetHere()),
  });
  const { log } = engine;
  const hub = progressHub({
    feed: near,
    clock,
    epoch: randomUUID(),
    readTransfers: newestTransfers(engine),
  });

  /** Only who takes agents needs their library. */
  async function fleetHere(): Promise<Pick<CloudParts<RelayFleet>, 'fleet'>> {
    if (agentSecrets === null) return {};
    const { relayFleet } = await import('./switchboard/fleet.ts');
    const parts = {
      holder: { url: env.ENTREPOT_RELAY_ADDRESS ?? `http://${ownAddress()}:${env.PORT}`, epoch: randomUUID() },
      key: agentSecrets.ENTREPOT_AGENT_KEY,
      tokenSecret: agentSecrets.ENTREPOT_AGENT_TOKEN_KEY,
      postSecret: secrets.ENTREPOT_PROGRESS_KEY,
    };
    return { fleet: (base) => relayFleet(parts, base) };
  }

  /** Only who has other relays needs to be able to talk to them. */
  async function otherRelays() {
    if (env.ENTREPOT_REDIS_URL === undefined) return null;
    const { redisProgress } = await import('#adapters/redis/progress.ts');
    return redisProgress({
      url: env.ENTREPOT_REDIS_URL,
      prefix: `entrepot:${env.ENTREPOT_TABLE}:`,
      clock,
      near,
      pending: pendingRumours(),
      read: (text) => Envelope.safeParse(parseJson(text)).data?.rumours ?? null,
      // Neither comes before the next turn of the event loop, when all of the above is there.
      onBack: () => {
        log.info('redis.there');
        hub.catchUp();
      },
      onAway: (reason) => log.error('redis.away', { reason }),
    });
  }

  const here = onceHere(clock);
  const onUnknown = (error: unknown): void => log.error('ticket.trusted', traceOf(error));
  return {
    engine,
    hub,
    /** Null: it takes no agents. */
    fleet,
    /** What functions tell goes in here, and comes out to viewers and channels. */
    progress,
    tickets: signedTicketOffice({
      clock,
      randomBytes,
      secret: secrets.ENTREPOT_TICKET_KEY,
      once: others === null ? here : onceAmong({ here, take: others.take, clock, onUnknown }),
    }),
    /** What was told to other relays and heard from them, where there are any. */
    stats: () => others?.stats() ?? {},
    close: () => {
      others?.close();
      hub.close();
      close();
    },
  };
}
