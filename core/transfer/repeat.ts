/** Writes whose reply may get lost. */
import type { Clock } from '#core/ports/clock.ts';

const TRIES = 4;

/** Repeats a write that threw, with jitter; by the table's laws a repeat ends in the same row and answers as if it had won. */
export async function repeated<T>(clock: Clock, write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write();
    } catch (error) {
      if (attempt >= TRIES) throw error;
      await clock.sleep(50 * attempt + Math.floor(clock.random() * 100));
    }
  }
}
