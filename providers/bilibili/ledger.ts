/** What all processes know of an account: how often it was used, until when it rests, and how far its uploads are. */
import * as z from 'zod';
import { LIMITED, NEEDS_PERSON } from '#clients/bilibili/faults.ts';
import type { Archive } from '#clients/bilibili/submit.ts';
import { change as changeShared } from '#clients/shared.ts';
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { SharedValue } from '#core/ports/connection.ts';
import { SESSION_MS } from './session.ts';

/** `begun`: a submission may have arrived, whatever its answer was. */
export type Standing =
  | { readonly kind: 'merged' }
  | { readonly kind: 'begun'; readonly atMs: number }
  /** `atMs`: when it was written down, where the ledger tells it. */
  | { readonly kind: 'done'; readonly archive: Archive | null; readonly atMs?: number };

export interface Ledger {
  /** Takes a turn for a new file, written down before it is used. Throws Fault `throttled` while there is none. */
  takeOpening(transferId: string): Promise<void>;
  /** The same for a submission of an upload, which is `begun` from now on. */
  takeSubmission(transferId: string, fileName: string): Promise<void>;
  /** Throws the Fault `throttled` that a rest of the account means to this transfer; null: to no transfer. Changes nothing. */
  mustBeAwake(transferId: string | null): Promise<void>;
  /** The same, and where it is too soon for a submission. */
  maySubmit(transferId: string): Promise<void>;
  standing(fileName: string): Promise<Standing | null>;
  stand(fileName: string, standing: Standing): Promise<void>;
  /** The account answered well where it had been refused before. Never rejects: a rest that stays ends by another trial. */
  answered(stage: Stage): Promise<void>;
  /**
   * After Fault `bilibili.limited`, or `bilibili.needs_person` at a transfer: lets the account rest, longer each time, in all
   * processes. Answers the Fault to throw, any other one as it is.
   */
  refused(fault: Fault, at: Refused): Promise<Fault>;
}

/** What was refused, and to whom. */
export interface Refused {
  readonly stage: Stage;
  /** Null: no transfer, so that no retry of one can end the rest. */
  readonly transferId: string | null;
}

type Stage = 'open' | 'submit';

export interface LedgerParts {
  readonly shared: SharedValue;
  readonly clock: Clock;
  readonly openingsPerHour: number;
  readonly spacingMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const REST_LEAST_MS = 30 * MINUTE_MS;
const REST_MOST_MS = 24 * HOUR_MS;
/** What is refused within this time belongs to one refusal. */
const SAME_MS = MINUTE_MS;
/** After a rest one file goes ahead; who has died on the way is not waited for any longer. */
const PROBE_MS = 2 * MINUTE_MS;
const SUBMIT_SPACING_MS = 30_000;
/** More than are opened in four hours; at about 120 bytes each. */
const FILES_MAX = 80;
/** What is known of a file by these is missed least, when there is no room for all. */
const LEAST_MISSED = ['done', 'merged', 'begun'] as const;
/** Transfers that met a check and were not retried yet. */
const CHECKED_MAX = 8;
const Resting = z.object({
  untilMs: z.number(),
  /** Refusals in a row, from 0. */
  step: z.int(),
  refusedAtMs: z.number(),
  stage: z.enum(['open', 'submit']),
  needsPerson: z.boolean(),
  /** These transfers failed and come back only by a person's retry: each goes ahead of the others, once. The newest last. */
  checked: z.array(z.string()).default([]),
});

const Entry = z.object({
  name: z.string(),
  kind: z.enum(['merged', 'begun', 'done']),
  atMs: z.number(),
  aid: z.number().optional(),
  bvid: z.string().optional(),
});

type Book = z.infer<typeof Book>;
const Book = z.object({
  v: z.literal(1),
  /** Ascending, of the last hour. */
  openedAtMs: z.array(z.number()),
  submittedAtMs: z.number(),
  resting: Resting.nullable(),
  /** The newest last. */
  files: z.array(Entry),
});

const EMPTY: Book = { v: 1, openedAtMs: [], submittedAtMs: 0, resting: null, files: [] };

export function ledger({ shared, clock, openingsPerHour, spacingMs }: LedgerParts): Ledger {
  const read = async () => bookIn((await shared.read())?.value);
  const change = (next: (book: Book, nowMs: number) => Book | null): Promise<void> =>
    changeShared({ shared, clock, area: 'bilibili' }, (value) => next(bookIn(value), clock.now()));
  const mustBeSpaced = ({ submittedAtMs }: Book, nowMs: number) => {
    const nextAtMs = submittedAtMs + Math.min(SUBMIT_SPACING_MS, spacingMs);
    if (nextAtMs > nowMs) throw paced(nextAtMs - nowMs);
  };

  return {
    takeOpening: (transferId) =>
      change((book, nowMs) => {
        const awake = goingAhead(book, transferId, nowMs);
        const openedAtMs = book.openedAtMs.filter((atMs) => atMs > nowMs - HOUR_MS);
        const hourFullUntilMs = (openedAtMs.at(-openingsPerHour) ?? Number.NEGATIVE_INFINITY) + HOUR_MS;
        const nextAtMs = Math.max(hourFullUntilMs, (openedAtMs.at(-1) ?? Number.NEGATIVE_INFINITY) + spacingMs);
        if (nextAtMs > nowMs) throw paced(nextAtMs - nowMs);
        return { ...awake, openedAtMs: [...openedAtMs, nowMs] };
      }),
    takeSubmission: (transferId, fileName) =>
      change((book, nowMs) => {
        const awake = goingAhead(book, transferId, nowMs);
        mustBeSpaced(book, nowMs);
        return { ...withFile(awake, fileName, { kind: 'begun', atMs: nowMs }, nowMs), submittedAtMs: nowMs };
      }),
    mustBeAwake: async (transferId) => {
      goingAhead(await read(), transferId, clock.now());
    },
    maySubmit: async (transferId) => {
      const book = await read();
      goingAhead(book, transferId, clock.now());
      mustBeSpaced(book, clock.now());
    },
    standing: async (fileName) => {
      const entry = (await read()).files.find(({ name }) => name === fileName);
      return entry === undefined ? null : standingOf(entry);
    },
    stand: (fileName, standing) => change((book, nowMs) => withFile(book, fileName, standing, nowMs)),
    answered: (stage) =>
      change((book) => (book.resting?.stage === stage ? { ...book, resting: null } : null)).catch(() => undefined),
    refused: async (fault, { stage, transferId }) => {
      const needsPerson = fault.code === NEEDS_PERSON;
      if (needsPerson ? transferId === null : fault.code !== LIMITED) return fault;
      let untilMs = 0;
      await change(({ resting, ...book }, nowMs) => {
        const isSame = resting !== null && nowMs - resting.refusedAtMs < SAME_MS;
        const step = resting === null ? 0 : resting.step + (isSame ? 0 : 1);
        const ownMs = Math.min(REST_MOST_MS, REST_LEAST_MS * 2 ** Math.min(step, 10) * (0.75 + clock.random() / 2));
        const restMs = Math.round(Math.max(ownMs, fault.retryAfterMs ?? 0));
        untilMs = nowMs + restMs;
        const others = (resting?.checked ?? []).filter((id) => id !== transferId);
        const checked = needsPerson && transferId !== null ? [...others, transferId].slice(-CHECKED_MAX) : others;
        const isForPerson = checked.length > 0;
        return { ...book, resting: { untilMs, step, refusedAtMs: nowMs, stage, needsPerson: isForPerson, checked } };
      });
      if (needsPerson) return fault;
      return new Fault('throttled', fault.code, fault.message, { retryAfterMs: untilMs - clock.now() });
    },
  };
}

/** Of a rest that is over one transfer makes the trial; the others wait for what becomes of it. */
function goingAhead(book: Book, transferId: string | null, nowMs: number): Book {
  const { resting } = book;
  if (resting === null) return book;
  const checked = resting.checked.filter((id) => id !== transferId);
  if (nowMs < resting.untilMs && checked.length === resting.checked.length) throw asleep(resting, nowMs);
  return { ...book, resting: { ...resting, checked, untilMs: Math.max(resting.untilMs, nowMs + PROBE_MS) } };
}

function withFile(book: Book, name: string, standing: Standing, nowMs: number): Book {
  const { kind } = standing;
  const archive = kind === 'done' ? (standing.archive ?? {}) : {};
  const entry = { name, kind, atMs: kind === 'begun' ? standing.atMs : nowMs, ...archive };
  const others = book.files.filter((file) => file.name !== name);
  return { ...book, files: [...(others.length < FILES_MAX ? others : withoutOne(others, nowMs)), entry] };
}

/** Without the oldest of those that are missed least: what has lapsed at Bilibili, then by kind. */
function withoutOne(files: Book['files'], nowMs: number): Book['files'] {
  const rankOf = ({ kind, atMs }: z.infer<typeof Entry>) =>
    nowMs - atMs > SESSION_MS ? -1 : LEAST_MISSED.indexOf(kind);
  const least = Math.min(...files.map(rankOf));
  const at = files.findIndex((file) => rankOf(file) === least);
  return files.toSpliced(at, 1);
}

function standingOf({ kind, atMs, aid, bvid = '' }: z.infer<typeof Entry>): Standing {
  if (kind === 'merged') return { kind };
  if (kind === 'begun') return { kind, atMs };
  return { kind, archive: aid === undefined ? null : { aid, bvid }, atMs };
}

/** What an older release or nobody wrote is begun anew. */
function bookIn(value: unknown): Book {
  return Book.safeParse(value).data ?? EMPTY;
}

function asleep({ needsPerson, untilMs }: z.infer<typeof Resting>, nowMs: number): Fault {
  const why = needsPerson
    ? 'Bilibili wants to see a person: pass its check in the app or at bilibili.com, then press retry at the file that says so'
    : 'Bilibili limits this account: nothing is sent until it has rested';
  return new Fault('throttled', 'bilibili.resting', `${why}. It goes on by itself later`, {
    retryAfterMs: untilMs - nowMs,
    isQueued: true,
  });
}

function paced(waitMs: number): Fault {
  const text = 'this Bilibili account is used as often as the settings allow: it goes on by itself';
  return new Fault('throttled', 'bilibili.paced', text, { retryAfterMs: waitMs, isQueued: true });
}
