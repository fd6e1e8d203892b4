/** Files that this process has found missing a moment ago, and that nobody can have sent since. */
import type { FormSession } from './session.ts';

export interface Untried {
  /** The folder did not show the file, and it was announced. */
  add(session: FormSession): void;
  /** Whether the form may go without another look. True once for each `add`. */
  take(session: FormSession): boolean;
}

/**
 * Well within the 60 s after which the work of a holder that died is another's: whoever has sent the form in this time has either
 * written that down or left word to inspect, which takes the file from here.
 */
const FRESH_MS = 20_000;

/** Holds no more than an account can announce within `FRESH_MS`. */
export function untried(now: () => number): Untried {
  const addedAtMs = new Map<string, number>();
  const isFresh = (atMs: number): boolean => Math.abs(now() - atMs) < FRESH_MS;
  return {
    add: (session) => {
      for (const [key, atMs] of addedAtMs) if (!isFresh(atMs)) addedAtMs.delete(key);
      addedAtMs.set(keyOf(session), now());
    },
    take: (session) => {
      const atMs = addedAtMs.get(keyOf(session));
      addedAtMs.delete(keyOf(session));
      return atMs !== undefined && isFresh(atMs);
    },
  };
}

function keyOf({ folderId, sha1, name }: FormSession): string {
  return `${folderId}/${sha1}/${name}`;
}
