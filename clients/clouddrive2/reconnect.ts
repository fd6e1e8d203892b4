/** A stream that outlives its connections. */
import { toFault } from '#core/fault.ts';
import { AREA } from './faults.ts';
import { backoffMs, type Time } from './time.ts';

/** A connection that held so long was a good one, whatever it carried. */
const GOOD_MS = 5000;
/** About half a minute of tries. */
const FAILURES_MAX = 10;

/**
 * `connected` at the beginning of each connection, and what comes through it. Ends by the signal's reason, by any Fault that time does
 * not mend, by another process that took the place, and after 10 connections in a row that came to nothing.
 */
export async function* reconnecting<R, C>(
  open: (signal: AbortSignal) => Promise<AsyncIterable<R>>,
  connected: C,
  time: Time,
  signal: AbortSignal,
): AsyncGenerator<R | C, never, undefined> {
  for (let failures = 0; ; ) {
    const openedAtMs = time.now();
    const connection = new AbortController();
    try {
      const messages = await open(AbortSignal.any([signal, connection.signal]));
      yield connected;
      for await (const message of messages) {
        failures = 0;
        yield message;
      }
    } catch (error) {
      signal.throwIfAborted();
      const fault = toFault(error);
      const isLost = fault.kind !== 'transient' || fault.code === `${AREA}.channel_replaced`;
      if (isLost || failures + 1 >= FAILURES_MAX) throw fault;
    } finally {
      // Also for a reader who leaves before the first message, when the iteration has not begun and cannot clean up.
      connection.abort();
    }
    failures = time.now() - openedAtMs >= GOOD_MS ? 1 : failures + 1;
    await time.sleep(backoffMs(failures, time), signal);
  }
}
