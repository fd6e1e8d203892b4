/** Batch calls answer 200 and fail entry by entry: what was not done is asked for again, a few times. */
import type { Clock } from '#core/ports/clock.ts';
import { entryFault, queueFault } from './faults.ts';

/** What a queue takes in one call. */
export const BATCH_MAX = 10;

export interface BatchAnswer {
  readonly Successful?: readonly { readonly Id?: string | undefined }[] | undefined;
  readonly Failed?: readonly Failure[] | undefined;
}

/** An entry that the queue will never do as it is. */
export interface Refusal<Entry> {
  readonly entry: Entry;
  readonly code: string;
}

interface Failure {
  readonly Id?: string | undefined;
  readonly Code?: string | undefined;
  readonly SenderFault?: boolean | undefined;
}

const TRIES_MAX = 4;
const PAUSE_FIRST_MS = 100;

/**
 * Does up to 10 entries, whose ids must differ; an entry that the answer does not name counts as not done. Answers those that
 * were refused. Throws a Fault (`queue.*`) when the call fails, or when entries are still not done after four tries.
 */
export async function untilDone<Entry extends { readonly Id: string }>(
  entries: readonly Entry[],
  call: (entries: Entry[]) => Promise<BatchAnswer>,
  clock: Clock,
): Promise<readonly Refusal<Entry>[]> {
  const refused: Refusal<Entry>[] = [];
  let left = [...entries];
  for (let tries = 1; left.length > 0; tries++) {
    const answer = await call(left).catch((error: unknown) => {
      throw queueFault(error);
    });
    const done = new Set(answer.Successful?.map(({ Id }) => Id));
    const failures = new Map(answer.Failed?.map((failure) => [failure.Id, failure]));
    const again: Entry[] = [];
    let code = 'unanswered';
    for (const entry of left) {
      if (done.has(entry.Id)) continue;
      const failure = failures.get(entry.Id);
      code = failure?.Code ?? code;
      if (failure?.SenderFault === true) refused.push({ entry, code });
      else again.push(entry);
    }
    left = again;
    if (left.length === 0) break;
    if (tries === TRIES_MAX) throw entryFault(code, false);
    await clock.sleep(clock.random() * PAUSE_FIRST_MS * 2 ** tries);
  }
  return refused;
}
