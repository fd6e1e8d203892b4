/** The inbox looked through by and by, where the bucket tells no events. */
import type { Intake } from './intake.ts';
import { inboxPage, receiveFile } from './receive.ts';

/** LISTs of one step: what is behind them has its turn in the next. */
const PAGES_MAX = 10;
/** Contents remembered, so that they are neither looked up nor complained of again. Some tens of MiB at worst. */
const KNOWN_MAX = 20_000;

/**
 * Answers a step: it looks through at most 5,000 objects, going on where the last step ended and around again, and answers how many
 * were new. An object that cannot be taken now delays no other and is tried again in the next round; the first such error is thrown.
 * One that nobody is to have is left to the hourly listing.
 */
export function inboxWalk(intake: Intake): () => Promise<number> {
  const known = new Map<string, string>();
  let after: string | undefined;
  return async () => {
    const errors: unknown[] = [];
    let fresh = 0;
    for (let pages = 0; pages < PAGES_MAX; pages++) {
      const page = await inboxPage(intake, after);
      for (const object of page.objects) {
        const content = `${object.version} ${object.modifiedAtMs}`;
        if (known.get(object.key) === content) continue;
        try {
          await receiveFile(intake, object);
        } catch (error) {
          errors.push(error);
          continue;
        }
        fresh++;
        if (known.size >= KNOWN_MAX) known.clear();
        known.set(object.key, content);
      }
      after = page.next;
      if (after === undefined) break;
    }
    if (errors.length > 0) throw errors[0];
    return fresh;
  };
}
