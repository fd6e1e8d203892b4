/** Waits for bytes of one file that are not staged yet. */
import type { ByteRange } from '#core/ports/staging.ts';
import { doorbell } from '../doorbell.ts';
import type { Engine } from '../engine.ts';
import { type StagedFile, type StagedWindow, stagedWindow } from '../window.ts';

export interface StagedWait {
  readonly window: StagedWindow;
  /** Resolves when the whole range is staged; rejects when the bucket cannot be listed, and with the signal's reason. */
  covered(range: ByteRange, signal: AbortSignal): Promise<void>;
  /** Chunks have come: there is something to list. */
  tell(): void;
}

interface Waiter {
  readonly range: ByteRange;
  resolve(): void;
  reject(error: unknown): void;
}

/** Without news the bucket is listed after an eighth of the time since the last, within these bounds. */
const LEAST_MS = 1_000;
const MOST_MS = 10_000;
const IDLE_SHARE = 8;

export function stagedWait({ source, clock }: Pick<Engine, 'source' | 'clock'>, file: StagedFile): StagedWait {
  const window = stagedWindow(source, file);
  const waiting = new Set<Waiter>();
  const bell = doorbell(clock);
  let isWatching = false;
  let newsAt = clock.now();
  let knownBytes = 0;

  /** One look for all: what a page tells of others spares them their own. */
  async function look(): Promise<void> {
    for (const waiter of waiting) {
      if (!window.covers(waiter.range)) await window.refresh(waiter.range);
      if (window.covers(waiter.range)) waiter.resolve();
    }
    if (window.stagedBytes() > knownBytes) newsAt = clock.now();
    knownBytes = window.stagedBytes();
  }

  async function watch(): Promise<void> {
    isWatching = true;
    while (waiting.size > 0) {
      try {
        await look();
      } catch (error) {
        for (const waiter of waiting) waiter.reject(error);
      }
      if (waiting.size > 0) await bell.wait(Math.min(MOST_MS, Math.max(LEAST_MS, (clock.now() - newsAt) / IDLE_SHARE)));
    }
    isWatching = false;
  }

  return {
    window,
    covered: async (range, signal) => {
      signal.throwIfAborted();
      if (window.covers(range)) return;
      await new Promise<void>((resolve, reject) => {
        const leave = (): void => {
          waiting.delete(waiter);
          signal.removeEventListener('abort', onAbort);
          if (waiting.size === 0) bell.ring();
        };
        const waiter: Waiter = {
          range,
          resolve: () => {
            leave();
            resolve();
          },
          reject: (error) => {
            leave();
            reject(error);
          },
        };
        const onAbort = (): void => waiter.reject(signal.reason);
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.add(waiter);
        bell.ring();
        if (!isWatching) void watch();
      });
    },
    tell: () => {
      newsAt = clock.now();
      bell.ring();
    },
  };
}
