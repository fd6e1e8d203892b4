/** What all processes know of an account: how often it was used, until when it rests, and how far its uploads are. */
import * as z from 'zod';
import { LIMITED, NEEDS_PERSON } from '#clients/bilibili/faults.ts';
import type { Archive } from '#clients/bilibili/submit.ts';
import { change as changeShared } from '#clients/shared.ts';
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { SharedValue } from '#core/ports/connection.ts';

/** `begun`: a submission may have arrived, whatever its answer was. */
export type Standing =
  | { readonly kind: 'merged' }
  | { readonly kind: 'begun'; readonly atMs: number }
  | { readonly kind: 'done'; readonly archive: Archive | null };

export interface Ledger {
  /** Takes a turn for a new file, written down before it is used. Throws Fault `throttled` while there is none. */
  takeOpening(transferId: string): Promise<void>;
  /** The same for a submission of an upload, which is `begun` from now on. */
  takeSubmission(transferId: string, fileName: string): Promise<void>;
  /** Throws the Fault `throttled` that a rest of the account means to this transfer. Changes nothing. */
  mustBeAwake(transferId: string): Promise<void>;
  standing(fileName: string): Promise<Standing | null>;
  stand(fileName: string, standing: Standing): Promise<void>;
  /** The account answered well where it had been refused before. */
  answered(stage: Stage): Promise<void>;
  /**
   * After Fault `bilibili.limited` or `bilibili.needs_person`: lets the account rest, longer each time, in all processes. Answers
   * the Fault to throw, any other one as it is.
   */
  refused(fault: Fault, at: Refused): Promise<Fault>;
}

/** What was refused, and to whom. */
export interface Refused {
  readonly stage: Stage;
  readonly transferId: string;
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
const Resting = z.object({
  untilMs: z.number(),
  /** Refusals in a row, from 0. */
  step: z.int(),
  refusedAtMs: z.number(),
  stage: z.enum(['open', 'submit']),
  needsPerson: z.boolean(),
  /** This transfer failed and comes back only by a person's retry: it goes ahead of the others. */
  transferId: z.string().nullable(),
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
  const submitSpacingMs = Math.min(SUBMIT_SPACING_MS, spacingMs);

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
        const nextAtMs = book.submittedAtMs + submitSpacingMs;
        if (nextAtMs > nowMs) throw paced(nextAtMs - nowMs);
        return { ...withFile(awake, fileName, { kind: 'begun', atMs: nowMs }, nowMs), submittedAtMs: nowMs };
      }),
    mustBeAwake: async (transferId) => {
      goingAhead(await read(), transferId, clock.now());
    },
    standing: async (fileName) => {
      const entry = (await read()).files.find(({ name }) => name === fileName);
      return entry === undefined ? null : standingOf(entry);
    },
    stand: (fileName, standing) => change((book, nowMs) => withFile(book, fileName, standing, nowMs)),
    answered: (stage) => change((book) => (book.resting?.stage === stage ? { ...book, resting: null } : null)),
    refused: async (fault, { stage, transferId }) => {
      const needsPerson = fault.code === NEEDS_PERSON;
      if (!needsPerson && fault.code !== LIMITED) return fault;
      let untilMs = 0;
      await change(({ resting, ...book }, nowMs) => {
        const isSame = resting !== null && nowMs - resting.refusedAtMs < SAME_MS;
        const step = resting === null ? 0 : resting.step + (isSame ? 0 : 1);
        const ownMs = Math.min(REST_MOST_MS, REST_LEAST_MS * 2 ** Math.min(step, 10) * (0.75 + clock.random() / 2));
        const restMs = Math.round(Math.max(ownMs, fault.retryAfterMs ?? 0));
        untilMs = nowMs + restMs;
        const by = needsPerson ? transferId : null;
        return { ...book, resting: { untilMs, step, refusedAtMs: nowMs, stage, needsPerson, transferId: by } };
      });
      if (needsPerson) return fault;
      return new Fault('throttled', fault.code, fault.message, { retryAfterMs: untilMs - clock.now() });
    },
  };
}

/** Of a rest that is over one transfer makes the trial; the others wait for what becomes of it. */
function goingAhead(book: Book, transferId: string, nowMs: number): Book {
  const { resting } = book;
  if (resting === null) return book;
  if (nowMs < resting.untilMs && resting.transferId !== transferId) throw asleep(resting, nowMs);
  return { ...book, resting: { ...resting, transferId: null, untilMs: Math.max(resting.untilMs, nowMs + PROBE_MS) } };
}

function withFile(book: Book, name: string, standing: Standing, nowMs: number): Book {
  const { kind } = standing;
  const archive = kind === 'done' ? (standing.archive ?? {}) : {};
  const entry = { name, kind, atMs: kind === 'begun' ? standing.atMs : nowMs, ...archive };
  const others = book.files.filter((file) => file.name !== name);
  return { ...book, files: [...others, entry].slice(-FILES_MAX) };
}

function standingOf({ kind, atMs, aid, bvid = '' }: z.infer<typeof Entry>): Standing {
  if (kind === 'merged') return { kind };
  if (kind === 'begun') return { kind, atMs };
  return { kind, archive: aid === undefined ? null : { aid, bvid } };
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
