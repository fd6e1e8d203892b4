/** The code under test, as a value: a mutant is another value of this type. */
import { advance } from '#core/transfer/advance.ts';
import { sweep } from '#core/transfer/sweep.ts';
import { cancel, pause, resume, retry } from '#core/transfer/wishes.ts';

export interface Subject {
  readonly advance: typeof advance;
  readonly sweep: typeof sweep;
  readonly cancel: typeof cancel;
  readonly pause: typeof pause;
  readonly resume: typeof resume;
  readonly retry: typeof retry;
}

export const REAL: Subject = { advance, sweep, cancel, pause, resume, retry };
