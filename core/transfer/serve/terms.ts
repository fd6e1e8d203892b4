/** Constants of the lane in which destinations ask and a relay answers. */
import type { LeaseTerms } from '../lease.ts';

/** Heads: a hundred of them cost 2.5 writes per second. */
export const HEAD_TERMS: LeaseTerms = { leaseMs: 120_000, renewMs: 40_000 };
/** Transfers of one destination that are served at once, all on one channel. */
export const FILES_MAX = 100;
/** A transfer of which nothing moves gives its place to one that waits: its client may have gone away. */
export const YIELD_MS = 60_000;
/** Reads of one process that are answered at once, and of one transfer: with a piece of a few MiB each they bound the memory. */
export const READS_MAX = 16;
export const READS_PER_FILE = 8;
/** Questions of one transfer that are under way; what comes beyond is asked for again later. */
export const OPEN_ASKS_MAX = 64;
/** A longer read is answered in several: each waits for its own bytes, and holds no place while it does. */
export const SLICE_BYTES = 16 * 1024 * 1024;
/** One answer that takes longer has got stuck. */
export const ANSWER_MS = 5 * 60_000;
/** Tries of one answer; then the transfer rests, and its session is taken up anew. */
export const ANSWER_TRIES = 5;
/** While a digest is computed the destination hears of it this often, also when its bytes have yet to come. */
export const HASHING_MS = 3_000;

/** A channel's holder looks for work this often, and lets the channel go after so long without any. */
export const LOOK_MS = 2_000;
export const IDLE_MS = 60_000;
/** How often a wish is looked for: this per transfer that is served, within bounds. */
export const WISH_SHARE_MS = 100;
export const WISH_LEAST_MS = 2_000;
export const WISH_MOST_MS = 10_000;
/** Viewers hear of progress twice a second, the table now and then. */
export const PUBLISH_MS = 500;
export const KEEP_MS = 15_000;
/** Served for so long without a fault, what went wrong before is forgotten: a session may wait for bytes for days. */
export const HEALTHY_MS = 60_000;
/** Without any word of the destination it is asked what it has: soon after the start, then more patiently. */
export const FIRST_SILENCE_MS = 5_000;
export const SILENCE_MS = 60_000;
