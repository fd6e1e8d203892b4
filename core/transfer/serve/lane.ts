/** One destination that asks, served by one relay: it holds the channel, and takes up whatever transfer is due. */
import { Fault } from '#core/fault.ts';
import type { Provider, ServeProvider } from '#core/ports/provider.ts';
import type { Release, RowKey } from '#core/ports/work-table.ts';
import { askedQueue, askingQueue, CHANNEL_QUEUE, channelKey } from '#core/state.ts';
import { traceOf } from '#core/trace.ts';
import { isClaimable, lookAfterHead } from '../advance.ts';
import type { Doorbell } from '../doorbell.ts';
import { type Engine, LEASE_MS } from '../engine.ts';
import { advanceHead, type HeadLane } from '../head.ts';
import { paused } from '../head-step.ts';
import { type Lease, underLease } from '../lease.ts';
import { repeated } from '../repeat.ts';
import { askChannel } from './channel.ts';
import { servedLane } from './served-head.ts';
import type { Shared } from './serving.ts';
import type { Slots } from './slots.ts';
import { FILES_MAX, HEAD_TERMS, IDLE_MS, LOOK_MS } from './terms.ts';

export interface LaneParts {
  readonly engine: Engine;
  readonly destinationId: string;
  readonly reads: Slots;
  readonly follow: Shared['follow'];
  /** Rung when there may be something to look at. */
  readonly bell: Doorbell;
  /** Aborts when everything is to be handed over. */
  readonly signal: AbortSignal;
}

/** Begun transfers that need no place, as those that settle or are to be canceled, are found among so many more. */
const SPARE = 50;

/**
 * Serves until there has been nothing to serve for a while, the channel is lost, or the signal aborts; then everything is handed
 * over. False at once when another relay has the channel.
 */
export async function runLane(parts: LaneParts): Promise<boolean> {
  const { engine, destinationId } = parts;
  const key = channelKey(destinationId);
  const now = engine.clock.now();
  const row = await engine.table.get(key);
  if (row === null) {
    await engine.table.create({ ...key, queue: CHANNEL_QUEUE, dueAt: now, phase: 'channel', state: {} }, now);
  } else if (!isClaimable(row, now)) return false;
  const holder = engine.newHolder();
  const untilMs = engine.clock.now() + LEASE_MS;
  const by = { holder, now: engine.clock.now(), until: untilMs };
  const claim = await repeated(engine.clock, () => engine.table.claim(key, by));
  if (claim === null) return false;
  await underLease({ engine, key, claim, holder, untilMs }, (lease) => hold(parts, lease));
  return true;
}

async function hold(parts: LaneParts, lease: Lease): Promise<Release> {
  const { engine, destinationId, bell } = parts;
  const provider = await engine.destinations.provider(destinationId);
  const free = (): Release => ({ to: 'wait', dueAt: engine.clock.now() });
  const closing = new AbortController();
  const signal = AbortSignal.any([parts.signal, lease.signal, closing.signal]);
  signal.addEventListener('abort', bell.ring);
  const channel = provider.mode === 'serve' ? askChannel(engine, destinationId, provider, signal) : null;
  const running = channel?.run();
  const crew = crewOf(parts, signal, (crowd) => {
    return channel === null ? ELSEWHERE : servedLane({ channel, reads: parts.reads, follow: parts.follow, ...crowd });
  });
  let busyAt = engine.clock.now();
  engine.log.info('channel.open', { destinationId });
  try {
    while (!signal.aborted && !channel?.fault() && (await isSame(parts, provider))) {
      await crew.takeUp();
      if (crew.size() > 0) busyAt = engine.clock.now();
      if (engine.clock.now() - busyAt >= IDLE_MS) break;
      await bell.wait(LOOK_MS);
    }
    // Those that are under way meet the fault themselves.
    if (channel?.fault()) await crew.done();
    return free();
  } finally {
    closing.abort(new Error('the channel is closed'));
    signal.removeEventListener('abort', bell.ring);
    await crew.done();
    await running;
    engine.log.info('channel.closed', { destinationId });
  }
}

/** Of a destination that was made anew under its id and no longer asks: its transfers are passed on. */
const ELSEWHERE: HeadLane<ServeProvider> = {
  granted: 0,
  of: () => null,
  step: () => Promise.reject(new Fault('bug', 'engine.lane', 'nothing is served here')),
  pause: async ({ engine, head }) => paused(engine, head),
};

/** With other settings or credentials it is another connection. */
async function isSame({ engine, destinationId }: LaneParts, provider: Provider): Promise<boolean> {
  return (await engine.destinations.provider(destinationId).catch(() => null)) === provider;
}

/** The transfers that are served, each under a lease of its own. */
function crewOf<P extends Provider>(
  parts: LaneParts,
  signal: AbortSignal,
  laneFor: (crowd: Pick<Shared, 'size' | 'isCrowded'>) => HeadLane<P>,
) {
  const { engine, destinationId, bell } = parts;
  const { table, clock } = engine;
  const members = new Map<string, { readonly needsPlace: boolean; readonly over: Promise<void> }>();
  const places = () => [...members.values()].filter(({ needsPlace }) => needsPlace).length;
  let isCrowded = false;
  const lane = laneFor({ size: () => members.size, isCrowded: () => isCrowded });

  async function serveHead(key: RowKey): Promise<void> {
    const holder = engine.newHolder();
    const untilMs = clock.now() + HEAD_TERMS.leaseMs;
    const claim = await repeated(clock, () => table.claim(key, { holder, now: clock.now(), until: untilMs }));
    if (claim === null) return;
    const release = await underLease({ engine, key, claim, holder, untilMs, terms: HEAD_TERMS }, (lease) =>
      advanceHead(engine, lease, signal, lane),
    );
    if (release !== null) await lookAfterHead(engine, key, release);
  }

  async function consider(key: RowKey): Promise<void> {
    if (members.has(key.pk)) return;
    const row = await table.get(key);
    if (row === null || !isClaimable(row, clock.now()) || signal.aborted) return;
    const needsPlace = row.phase !== 'finishing' && row.wish === null;
    if (needsPlace && places() >= FILES_MAX) {
      isCrowded = true;
      return;
    }
    const over = serveHead({ pk: key.pk, sk: key.sk })
      .catch((error: unknown) => engine.log.error('serve.failed', { destinationId, ...traceOf(error) }))
      .finally(() => {
        members.delete(key.pk);
        bell.ring();
      });
    members.set(key.pk, { needsPlace, over });
  }

  return {
    size: () => members.size,
    /** Takes up what is due: first what has begun. */
    takeUp: async (): Promise<void> => {
      isCrowded = false;
      const begun = await table.due(askedQueue(destinationId), clock.now(), FILES_MAX + SPARE);
      for (const key of begun) await consider(key);
      const free = FILES_MAX - places();
      const waiting = await table.due(askingQueue(destinationId), clock.now(), free + SPARE);
      for (const key of waiting) await consider(key);
    },
    done: async (): Promise<void> => {
      while (members.size > 0) await Promise.all([...members.values()].map(({ over }) => over));
    },
  };
}
