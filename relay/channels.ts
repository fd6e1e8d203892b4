/** The channels to destinations that ask, as one process keeps them: looked after now and then, handed over at the end. */
import type { ProgressFeed } from '#core/ports/progress.ts';
import { traceOf } from '#core/trace.ts';
import type { Engine } from '#core/transfer/engine.ts';
import { serveLanes } from '#core/transfer/serve/lanes.ts';
import type { Job } from '#core/wire/job.ts';
import { every } from './timers.ts';

export interface Channels {
  /** Where hints are seen, those whose rows are served here are acted on at once. */
  hint(jobs: readonly Job[]): void;
  /** Hands over what is served; sessions stay at their destinations. Bounded: what does not stop in time is left to its lease. */
  stop(): Promise<void>;
}

/** Where nothing is served, this is how soon a transfer is taken up. */
const LOOK_MS = 2_000;
const PATIENCE_MS = 12_000;

/** `feed` tells of chunks and of new transfers, so that they need not be looked for. */
export function startChannels(engine: Engine, feed: ProgressFeed): Channels {
  const { clock, log } = engine;
  const stopped = new AbortController();
  const lanes = serveLanes(engine, feed);
  every(clock, LOOK_MS, stopped.signal, lanes.look, (error) => log.error('channels.failed', traceOf(error)));
  return {
    hint: lanes.hint,
    stop: async () => {
      stopped.abort();
      const patience = new AbortController();
      const late = clock.sleep(PATIENCE_MS, patience.signal).catch(() => undefined);
      await Promise.race([lanes.close(), late]);
      patience.abort();
      await late;
    },
  };
}
