/** How often an address may start a file, and whose turn is when. Pure. */
import * as z from 'zod';

/** Of a destination's placement. */
export interface PaceRules {
  readonly spacingMs: number;
  /** 0: as many as come. */
  readonly perHourMax: number;
}

/** A file and a time: when it started, or when its turn comes. */
const Mark = z.tuple([z.string(), z.int()]);

/** What is kept of an address: less than 24 KiB. */
export const Pace = z.object({
  v: z.literal(1),
  /** Starts of the last hour, those of retries among them, ascending. */
  startsMs: z.array(z.int()),
  /** Of the last file that was new. */
  lastStartMs: z.int().nullable(),
  /** Files that started here lately: what they try again is not a start. Oldest first. */
  files: z.array(Mark),
  /** Files that were told when to come again, in the order of their turns. */
  turns: z.array(Mark),
  /** Until when nothing new starts, by the rules of whoever started last. */
  restsUntilMs: z.int(),
});
export type Pace = z.infer<typeof Pace>;

export const UNUSED: Pace = { v: 1, startsMs: [], lastStartMs: null, files: [], turns: [], restsUntilMs: 0 };

export interface PaceAnswer {
  /** The file starts now if this is not later than now; else its turn is then, if there was room to write that down. */
  readonly atMs: number;
  readonly pace: Pace;
}

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
/** The most that a rule may count. */
const STARTS_MAX = 1_000;
const FILES_MAX = 64;
/** Files that wait beyond these are told a time after the last turn, and ask again then. */
const TURNS_MAX = 64;
/** A turn is kept for so long for whoever does not come in time: a sweep may be a minute late. */
const HELD_MIN_MS = 30_000;
const HELD_MAX_MS = 120_000;

/**
 * A file asks to start. Laws: new files start at least the spacing apart, at most so many in any hour; a file that started here
 * within a day may start again at any time, and counts in the hour; turns are given in the order in which they are asked for, each
 * to one file, so that files which wait by the hundred ask a few times each and not a hundred times.
 */
export function ask(kept: Pace, transferId: string, rules: PaceRules, now: number): PaceAnswer {
  const pace = recent(kept, rules, now);
  if (isKnown(pace, transferId, now)) return started(pace, transferId, rules, now, 'again');
  const place = pace.turns.findIndex(([file]) => file === transferId);
  const turnMs = pace.turns[place]?.[1];
  const isItsTurn = turnMs === undefined ? pace.turns.length === 0 : place === 0 || turnMs <= now;
  const freeAtMs = freeAt(pace, rules, now);
  if (isItsTurn && freeAtMs <= now) return started(pace, transferId, rules, now, 'new');
  if (turnMs === undefined) {
    const atMs = Math.max(now + 1, freeAt(withTurns(pace), rules, now));
    return { atMs, pace: pace.turns.length < TURNS_MAX ? waiting(pace, transferId, atMs, rules, now) : pace };
  }
  // When its turn has come and another one was faster, it gets the next.
  const atMs = Math.max(turnMs, freeAtMs, now + 1);
  return { atMs, pace: atMs === turnMs ? pace : waiting(pace, transferId, atMs, rules, now) };
}

/** Whether the file started here, so that it may again at any time. */
export function isKnown(pace: Pace, transferId: string, now: number): boolean {
  return pace.files.some(([file, atMs]) => file === transferId && atMs > now - DAY_MS);
}

export function hasTurn(pace: Pace, transferId: string): boolean {
  return pace.turns.some(([file]) => file === transferId);
}

/** The file has started elsewhere: whoever is behind it does not wait for it. */
export function withoutTurn(pace: Pace, transferId: string): Pace {
  const turns = pace.turns.filter(([file]) => file !== transferId);
  return turns.length === pace.turns.length ? pace : { ...pace, turns };
}

/** Nothing in it matters to anybody any more. */
export function isStale({ lastStartMs, files, turns }: Pace, now: number): boolean {
  const marks = [...files, ...turns].map(([, atMs]) => atMs);
  return Math.max(lastStartMs ?? 0, ...marks) < now - DAY_MS;
}

function recent(pace: Pace, rules: PaceRules, now: number): Pace {
  const heldMs = Math.min(Math.max(rules.spacingMs, HELD_MIN_MS), HELD_MAX_MS);
  return {
    ...pace,
    startsMs: pace.startsMs.filter((atMs) => atMs > now - HOUR_MS),
    files: pace.files.filter(([, atMs]) => atMs > now - DAY_MS),
    turns: pace.turns.filter(([, atMs]) => atMs + heldMs > now),
  };
}

function started(pace: Pace, transferId: string, rules: PaceRules, now: number, as: 'new' | 'again'): PaceAnswer {
  const files = pace.files.filter(([file]) => file !== transferId);
  const next: Pace = {
    ...withoutTurn(pace, transferId),
    startsMs: [...pace.startsMs, now].slice(-STARTS_MAX),
    lastStartMs: as === 'new' ? now : pace.lastStartMs,
    files: [...files, mark(transferId, now)].slice(-FILES_MAX),
  };
  return { atMs: now, pace: rested(next, rules, now) };
}

/** In its place in the order of turns, the last of those at the same time. */
function waiting(pace: Pace, transferId: string, atMs: number, rules: PaceRules, now: number): Pace {
  const others = withoutTurn(pace, transferId).turns;
  const later = others.findIndex((turn) => turn[1] > atMs);
  const turns = others.toSpliced(later < 0 ? others.length : later, 0, mark(transferId, atMs));
  return rested({ ...pace, turns }, rules, now);
}

function rested(pace: Pace, rules: PaceRules, now: number): Pace {
  return { ...pace, restsUntilMs: freeAt(withTurns(pace), rules, now) };
}

function mark(transferId: string, atMs: number): z.infer<typeof Mark> {
  return [transferId, atMs];
}

/** The soonest that a new file may start, were nobody to come before it. */
function freeAt({ startsMs, lastStartMs }: Pace, { spacingMs, perHourMax }: PaceRules, now: number): number {
  const spaced = lastStartMs === null ? now : Math.max(now, lastStartMs + spacingMs);
  const oldest = perHourMax > 0 ? startsMs.at(-perHourMax) : undefined;
  return oldest === undefined ? spaced : Math.max(spaced, oldest + HOUR_MS);
}

/** As it will be when all whose turn was told have started. */
function withTurns(pace: Pace): Pace {
  const turnsMs = pace.turns.map(([, atMs]) => atMs);
  const last = turnsMs.at(-1);
  if (last === undefined) return pace;
  return { ...pace, startsMs: [...pace.startsMs, ...turnsMs], lastStartMs: Math.max(last, pace.lastStartMs ?? 0) };
}
