/** Pieces of parts that were passed on are garbage at once, and V8 waits for 32 MiB of it before it looks. */

/** Absent: not started with `--expose-gc`. */
declare const gc: ((options: { readonly type: 'minor' }) => void) | undefined;

/** A look takes less than a millisecond: only what is young is looked at. */
const LOOK_BYTES = 2 * 1024 * 1024;
let passedBytes = 0;

/** To be told of each piece of any part, when it was given to its driver. */
export function passed(sizeBytes: number): void {
  passedBytes += sizeBytes;
  if (passedBytes < LOOK_BYTES || typeof gc === 'undefined') return;
  passedBytes = 0;
  gc({ type: 'minor' });
}
