/** The one stream of a destination's questions: kept open, and dealt out to the transfers that they are about. */
import { Fault, toFault } from '#core/fault.ts';
import type { Ask, ServeProvider } from '#core/ports/provider.ts';
import { faultTrace } from '#core/trace.ts';
import { backoffMs, isWorthRetrying } from '../backoff.ts';
import type { Engine } from '../engine.ts';

/** A transfer's place at the channel. */
export interface Seat {
  /** What has come since the last call, in order; of several tellings of progress the last. */
  take(): readonly Ask[];
  leave(): void;
}

export interface AskChannel {
  /** Reads the stream until the signal aborts or the destination ends it for good. Never rejects. */
  run(): Promise<void>;
  /** Asks that came for this id a while before are there at once. `onNews` is called when there is something to take. */
  sit(remoteId: string, onNews: () => void): Seat;
  /** Has everything that is unanswered asked again, soon and once for all who want it. */
  replay(): void;
  /** What ended the stream for good. */
  fault(): Fault | null;
}

/** Asks for ids that nobody knows yet: they may come before the session is committed, or be somebody else's. */
const STRAYS_MAX = 512;
const STRAY_MS = 60_000;
/** Asks that a transfer may leave untaken. */
const UNTAKEN_MAX = 512;
/** Those who want a replay within this time share it. */
const REPLAY_MS = 1_000;

interface Place {
  asks: Ask[];
  readonly onNews: () => void;
}

export function askChannel(
  { clock, log }: Pick<Engine, 'clock' | 'log'>,
  destinationId: string,
  provider: ServeProvider,
  signal: AbortSignal,
): AskChannel {
  const places = new Map<string, Place>();
  let strays: { readonly ask: Ask; readonly atMs: number }[] = [];
  let own = new AbortController();
  let isReplaying = false;
  let lost: Fault | null = null;
  let streak = 0;

  function deal(ask: Ask): void {
    streak = 0;
    const place = places.get(ask.remoteId);
    if (place === undefined) {
      strays = [...strays.filter(({ atMs }) => clock.now() - atMs < STRAY_MS).slice(1 - STRAYS_MAX), stray(ask)];
    } else if (place.asks.length < UNTAKEN_MAX) {
      const last = place.asks.at(-1);
      if (ask.kind === 'progress' && last?.kind === 'progress') place.asks.pop();
      place.asks.push(ask);
      place.onNews();
    } else replay();
  }

  const stray = (ask: Ask) => ({ ask, atMs: clock.now() });

  function replay(): void {
    if (isReplaying || signal.aborted) return;
    isReplaying = true;
    void slept(REPLAY_MS).then(() => {
      isReplaying = false;
      own.abort(REPLAYED);
    });
  }

  async function listen(): Promise<void> {
    own = new AbortController();
    const either = AbortSignal.any([signal, own.signal]);
    const asks = provider.asks({ signal: either })[Symbol.asyncIterator]();
    for (;;) {
      const next = await unlessAborted(asks.next(), either);
      if (next.done) throw new Fault('transient', 'provider.asks_ended', 'the stream of questions ended by itself');
      deal(next.value);
    }
  }

  async function slept(ms: number): Promise<void> {
    await clock.sleep(ms, signal).catch(() => undefined);
  }

  return {
    run: async () => {
      while (!signal.aborted) {
        try {
          await listen();
        } catch (error) {
          if (signal.aborted) return;
          if (own.signal.aborted) continue;
          const fault = toFault(error);
          streak += 1;
          log.error('channel.fault', { destinationId, ...faultTrace(fault) });
          if (!isWorthRetrying(fault, streak)) {
            lost = fault;
            for (const place of places.values()) place.onNews();
            return;
          }
          await slept(backoffMs(clock, fault, streak));
        }
      }
    },
    sit: (remoteId, onNews) => {
      const place: Place = {
        asks: strays.filter(({ ask }) => ask.remoteId === remoteId).map(({ ask }) => ask),
        onNews,
      };
      strays = strays.filter(({ ask }) => ask.remoteId !== remoteId);
      places.set(remoteId, place);
      return {
        take: () => {
          const taken = place.asks;
          place.asks = [];
          return taken;
        },
        leave: () => {
          if (places.get(remoteId) === place) places.delete(remoteId);
        },
      };
    },
    replay,
    fault: () => lost,
  };
}

/** Also when whoever should answer does not heed the signal. Leaves nothing behind at the signal, which lives long. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

const REPLAYED = new Error('the stream is opened anew');
