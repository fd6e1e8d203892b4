/** One line of parts, kept in a cell: the next one starts when the one before would be through at the speed that is allowed. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { SharedValue } from '#core/ports/connection.ts';

export interface SpeedTurns {
  /**
   * Resolves when a part of so many bytes may start. Rejects with the signal's reason; with Fault `throttled`
   * `destination.speed_limit`, in line, when that is not soon: nothing was taken then.
   */
  take(sizeBytes: number, signal: AbortSignal): Promise<void>;
}

/** `bytesPerSecond` is what the last turn was reckoned with. */
const Line = z.object({ freeAtMs: z.number(), bytesPerSecond: z.number() });

/** Whoever would wait longer lets its function go, and comes again when it is its turn. */
const PATIENCE_MS = 15_000;
/** Whoever allows more is heard by those who wait, however far off their turn was. */
const LOOK_AGAIN_MS = 5 * 60_000;
/** Losses in a row against others who take turns. */
const TRIES = 8;

/** A turn that was taken by somebody who died is lost: the destination gets less for a moment, and never more. */
export function speedTurns(parts: {
  readonly shared: SharedValue;
  readonly clock: Clock;
  readonly bytesPerSecond: number;
}): SpeedTurns {
  const { shared, clock, bytesPerSecond } = parts;
  return {
    async take(sizeBytes, signal) {
      for (let tried = 0; tried < TRIES; tried++) {
        signal.throwIfAborted();
        const cell = await shared.read();
        const now = clock.now();
        const line = Line.safeParse(cell?.value).data ?? { freeAtMs: now, bytesPerSecond };
        // Whoever allows more is not held up by what was reckoned with less.
        const waitMs = (Math.max(0, line.freeAtMs - now) * line.bytesPerSecond) / bytesPerSecond;
        if (waitMs > PATIENCE_MS) throw inLine(waitMs);
        const freeAtMs = now + waitMs + (sizeBytes / bytesPerSecond) * 1000;
        if (await shared.swap(cell?.v ?? 0, { freeAtMs, bytesPerSecond })) return clock.sleep(waitMs, signal);
      }
      throw inLine(PATIENCE_MS);
    },
  };
}

function inLine(retryAfterMs: number): Fault {
  return new Fault('throttled', 'destination.speed_limit', 'other parts go first at the speed that is allowed', {
    retryAfterMs: Math.min(LOOK_AGAIN_MS, Math.round(retryAfterMs)),
    isQueued: true,
  });
}
