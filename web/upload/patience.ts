/** Waiting and trying again, with an eye on the connection. */
import { backoffMs, TRIES_MAX } from './backoff.ts';
import { isPassing, UploadError } from './error.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * Tries without any answer: at up to 30 s each this bridges a router's reboot, which `navigator.onLine` does not see.
 * Answers that say "later" (429, 5xx) are tried `TRIES_MAX` times.
 */
export const LOST_TRIES_MAX = 30;
/** A turn that is waited for takes as long as it takes: a week of asking once a minute. */
const TURN_TRIES_MAX = 7 * 24 * 60;

export type Waiting = 'offline' | 'retry' | null;

type Needs = Pick<Surroundings, 'timers' | 'connection' | 'nowMs' | 'random'>;

/** Waits `ms`; less when there is hope, and as long as it takes while the browser is offline. Rejects when aborted. */
export async function rest(needs: Needs, ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = () => reject(signal.reason);
  const unhope = needs.connection.onHope(() => {
    if (needs.connection.isOnline()) resolve();
  });
  const disarm = needs.timers.after(ms, () => {
    if (needs.connection.isOnline()) resolve();
  });
  signal.addEventListener('abort', onAbort);
  try {
    await promise;
  } finally {
    unhope();
    disarm();
    signal.removeEventListener('abort', onAbort);
  }
}

/** Resolves at once when online, else when the browser is again. */
export async function untilOnline(needs: Needs, signal: AbortSignal): Promise<void> {
  while (!needs.connection.isOnline()) await rest(needs, 0, signal);
}

/** One API call, again and again while its failure is a passing one and tries are left. */
export async function patiently<Answer>(
  needs: Needs,
  signal: AbortSignal,
  onWaiting: (waiting: Waiting) => void,
  call: () => Promise<Answer>,
): Promise<Answer> {
  for (let failures = 0, lost = 0, turns = 0; ; ) {
    if (!needs.connection.isOnline()) onWaiting('offline');
    await untilOnline(needs, signal);
    try {
      const answer = await call();
      onWaiting(null);
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      if (!isPassing(error)) throw error;
      if (!needs.connection.isOnline()) continue;
      if (error.status === 0) lost += 1;
      else if (error.code === 'uploads.too_many') turns += 1;
      else failures += 1;
      if (failures >= TRIES_MAX || lost >= LOST_TRIES_MAX || turns >= TURN_TRIES_MAX) throw error;
      onWaiting('retry');
      await rest(needs, backoffMs(failures + lost + turns, needs.random(), error.retryAfterMs), signal);
    }
  }
}

/** The error of a chunk that used up its tries. */
export function exhausted(kind: 'stalled' | 'lost' | 'busy' | 'conflict' | 'denied'): UploadError {
  if (kind === 'stalled') return new UploadError('client.stalled', 'no byte got through for a long time');
  if (kind === 'lost') return new UploadError('client.network', 'the staging bucket cannot be reached');
  return new UploadError('client.bucket_refused', `the staging bucket keeps refusing (${kind})`);
}
