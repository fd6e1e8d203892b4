/** What all processes know of videos that many files go into: which archive it is, and which file has its turn. */
import * as z from 'zod';
import type { Archive } from '#clients/bilibili/submit.ts';
import { change as changeShared } from '#clients/shared.ts';
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { SharedValue } from '#core/ports/connection.ts';

export interface Joined {
  /** Null: none is known to have been made. */
  readonly archive: Archive | null;
  /** The name of the upload that came into it last, and when; an empty name and 0 before. */
  readonly last: string;
  readonly lastAtMs: number;
  /** How many parts it had then. */
  readonly count: number;
  /** Uploads that had the first turn: what came of one of them may be the archive. */
  readonly firsts: readonly string[];
}

/** `unclear`: a request may still arrive, so that nobody else may have the turn for a while. */
export type JoinOutcome =
  | { readonly kind: 'made'; readonly archive: Archive; readonly count: number }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'unclear'; readonly quietMs: number };

export interface Joins {
  known(key: string): Promise<Joined | null>;
  /**
   * The turn of this upload, for some minutes, until it is given back; taking it again makes it last. Throws Fault `throttled`
   * `bilibili.joining` while another one has it, also where another one has had it since `seen`.
   */
  take(key: string, fileName: string, seen?: Joined): Promise<Joined>;
  give(key: string, fileName: string, outcome: JoinOutcome): Promise<void>;
  /**
   * This upload was found in the archive, by whoever looked; its turn is over. Throws Fault `throttled` `bilibili.joining` while another
   * one has the turn, whose edit may take out what it has not seen.
   */
  found(key: string, fileName: string, archive: Archive): Promise<void>;
  /** The archive is no more: the next file makes another one. */
  forget(key: string): Promise<void>;
}

/** Longer than a look and a submission take; who has died in it is not waited for any longer. */
const HELD_MS = 5 * 60_000;
const AGAIN_MS = 30_000;
/** Folders whose archive is remembered, the newest; at most about 600 bytes each. */
const KEYS_MAX = 40;
const FIRSTS_MAX = 4;

type Entry = z.infer<typeof Entry>;
const Entry = z.object({
  key: z.string(),
  archive: z.object({ aid: z.int(), bvid: z.string() }).readonly().nullable(),
  last: z.string(),
  lastAtMs: z.number(),
  count: z.int(),
  firsts: z.array(z.string()).readonly(),
  by: z.string(),
  untilMs: z.number(),
});

const Book = z.object({ v: z.literal(1), entries: z.array(Entry) });

export function joins({ shared, clock }: { readonly shared: SharedValue; readonly clock: Clock }): Joins {
  const change = (key: string, next: (entry: Entry | null) => Entry | 'gone' | null): Promise<void> =>
    changeShared({ shared, clock, area: 'bilibili' }, (value) => {
      const entries = entriesIn(value);
      const entry = next(entries.find((one) => one.key === key) ?? null);
      if (entry === null) return null;
      const others = entries.filter((one) => one.key !== key);
      return { v: 1, entries: entry === 'gone' ? others : [...others.slice(1 - KEYS_MAX), entry] };
    });

  return {
    known: async (key) => entriesIn((await shared.read())?.value).find((one) => one.key === key) ?? null,
    take: async (key, fileName, seen) => {
      let taken: Joined = NOTHING;
      await change(key, (found) => {
        const nowMs = clock.now();
        const entry = found ?? { key, by: '', untilMs: 0, ...NOTHING };
        if (entry.by !== fileName && entry.untilMs > nowMs) throw joining(entry.untilMs - nowMs);
        if (seen !== undefined && (entry.by !== fileName || entry.last !== seen.last)) throw joining(0);
        const others = entry.firsts.filter((one) => one !== fileName);
        const firsts = entry.archive === null ? [...others, fileName].slice(-FIRSTS_MAX) : entry.firsts;
        const next = { ...entry, firsts, by: fileName, untilMs: nowMs + HELD_MS };
        taken = next;
        return next;
      });
      return taken;
    },
    give: (key, fileName, outcome) =>
      change(key, (entry) => {
        if (entry === null || entry.by !== fileName) return null;
        const nowMs = clock.now();
        if (outcome.kind === 'unclear') return { ...entry, untilMs: nowMs + outcome.quietMs };
        const free = { ...entry, by: '', untilMs: 0 };
        if (outcome.kind === 'nothing') return free;
        const { archive, count } = outcome;
        return { ...free, archive, last: fileName, lastAtMs: nowMs, count, firsts: [] };
      }),
    found: (key, fileName, archive) =>
      change(key, (known) => {
        const entry = known ?? { key, by: '', untilMs: 0, ...NOTHING };
        const isOther = entry.archive !== null && entry.archive.aid !== archive.aid;
        if (isOther || entry.last === fileName) return null;
        const nowMs = clock.now();
        if (entry.by !== fileName && entry.untilMs > nowMs) throw joining(entry.untilMs - nowMs);
        // Whoever came in since may have counted it already.
        const count = Math.max(1, entry.count);
        return { ...entry, by: '', untilMs: 0, archive, last: fileName, lastAtMs: nowMs, count, firsts: [] };
      }),
    forget: (key) => change(key, (entry) => (entry === null ? null : 'gone')),
  };
}

/** It is another file's turn, which is no failure of this one. */
function joining(waitMs: number): Fault {
  const text = 'another file is just going into the same video on Bilibili: this one follows by itself';
  return new Fault('throttled', 'bilibili.joining', text, {
    retryAfterMs: Math.max(AGAIN_MS, waitMs),
    isQueued: true,
  });
}

const NOTHING: Joined = { archive: null, last: '', lastAtMs: 0, count: 0, firsts: [] };

function entriesIn(value: unknown): readonly Entry[] {
  return Book.safeParse(value).data?.entries ?? [];
}
