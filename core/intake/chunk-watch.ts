/**
 * Chunks found by looking, where the bucket tells no events. A chunk can only arrive while a ticket for it is good, so whoever
 * signs tickets knows where to look: uploads with tickets out, nothing else.
 */
import { UPLOAD_QUEUE, UploadState, uploadKey } from '#core/state.ts';
import type { UploadId } from '#core/wire/ids.ts';
import { chunkKey, chunkPrefix } from '#core/wire/keys.ts';
import { arrivalOf } from './arrivals.ts';
import { type Intake, TICKET_SECONDS } from './intake.ts';
import { receive } from './receive.ts';

export interface ChunkWatch {
  /** As given, but each ticket that it signs is noted. */
  readonly intake: Intake;
  /** Takes up uploads for which a process before this one may have handed out tickets. */
  resume(): Promise<void>;
  /** Lists behind what is known of each upload whose turn it is. Answers how many new chunks were found. */
  look(): Promise<number>;
  /** Uploads that are looked at, by and by. */
  size(): number;
}

interface Watched {
  readonly uploadId: UploadId;
  /** Every chunk up to this one has been seen, and those beyond it. */
  through: number;
  readonly beyond: Set<number>;
  /** When a ticket was last signed or a chunk last found. */
  activeAt: number;
  lookAt: number;
  until: number;
}

/** A put may begin when its ticket ends and take as long again. What is later still is found by the transfer's own look. */
const WATCH_MS = 2 * TICKET_SECONDS * 1000;
/** An eighth of the time since the last news, so that what comes slowly is not asked for every second. */
const LEAST_MS = 1_000;
const MOST_MS = 10_000;
const IDLE_SHARE = 8;
/** Looks of one round: each is one LIST, more only for an upload with more than a page of news. */
const LOOKS_MAX = 64;
const LOOKS_AT_ONCE = 8;
const PAGE = 1_000;
/** Beyond this the one that has been quiet for longest is left to its transfer's own look. */
const WATCHED_MAX = 10_000;
/** How long nothing is asked after the bucket failed to answer. */
const AFTER_FAULT_MS = 10_000;
/** Every open upload comes due within a day. */
const ALL_DUE_MS = 2 * 24 * 60 * 60_000;

export function chunkWatch(bare: Intake): ChunkWatch {
  const { clock, table } = bare;
  const watched = new Map<UploadId, Watched>();
  let restUntil = 0;

  function note(uploadId: UploadId): void {
    const now = clock.now();
    const soon = now + LEAST_MS;
    const known = watched.get(uploadId) ?? newlyWatched(uploadId, soon);
    // To the end of the map: its first is the quietest.
    watched.delete(uploadId);
    watched.set(uploadId, known);
    // Never later than it was: a client that signs each chunk by itself must not push the look away.
    Object.assign(known, { activeAt: now, lookAt: Math.min(known.lookAt, soon), until: now + WATCH_MS });
    const quietest = watched.keys().next().value;
    if (watched.size > WATCHED_MAX && quietest !== undefined) watched.delete(quietest);
  }

  async function look(): Promise<number> {
    const now = clock.now();
    if (now < restUntil) return 0;
    const turn = [...watched.values()]
      .filter(({ lookAt }) => lookAt <= now)
      .sort((a, b) => a.lookAt - b.lookAt)
      .slice(0, LOOKS_MAX);
    let found = 0;
    for (let i = 0; i < turn.length; i += LOOKS_AT_ONCE) {
      const outcomes = await Promise.allSettled(turn.slice(i, i + LOOKS_AT_ONCE).map(lookAtOne));
      for (const outcome of outcomes) {
        if (outcome.status === 'fulfilled') found += outcome.value;
      }
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed === undefined) continue;
      restUntil = clock.now() + AFTER_FAULT_MS;
      throw failed.reason;
    }
    return found;
  }

  async function lookAtOne(one: Watched): Promise<number> {
    const row = await table.get(uploadKey(one.uploadId));
    const layout = row?.phase === 'open' ? UploadState.parse(row.state).layout : null;
    if (layout?.kind !== 'chunks' || clock.now() >= one.until) {
      watched.delete(one.uploadId);
      return 0;
    }
    const found = await news(bare, one, layout.count);
    const now = clock.now();
    if (found > 0) one.activeAt = now;
    if (one.through >= layout.count) watched.delete(one.uploadId);
    one.lookAt = now + Math.min(MOST_MS, Math.max(LEAST_MS, (now - one.activeAt) / IDLE_SHARE));
    return found;
  }

  return {
    intake: {
      ...bare,
      staging: {
        presignChunk: async (put) => {
          const ticket = await bare.staging.presignChunk(put);
          note(put.uploadId);
          return ticket;
        },
      },
    },
    look,
    resume: async () => {
      const now = clock.now();
      for (const key of await table.due(UPLOAD_QUEUE, now + ALL_DUE_MS, WATCHED_MAX)) {
        const row = await table.get(key);
        if (row?.phase !== 'open') continue;
        const { uploadId, layout } = UploadState.parse(row.state);
        if (layout.kind === 'chunks') note(uploadId);
      }
    },
    size: () => watched.size,
  };
}

function newlyWatched(uploadId: UploadId, lookAt: number): Watched {
  return { uploadId, through: 0, beyond: new Set(), activeAt: 0, lookAt, until: 0 };
}

/** Tells of the chunks that were not seen before, as their events would; they count as seen once that is done. */
async function news(intake: Intake, one: Watched, count: number): Promise<number> {
  const prefix = chunkPrefix(one.uploadId);
  let found = 0;
  for (let after = chunkKey(one.uploadId, one.through); ; ) {
    const page = await intake.source.list({ prefix, after, limit: PAGE });
    const fresh: { readonly key: string; readonly number: number }[] = [];
    for (const { key } of page) {
      const arrival = arrivalOf(key);
      // Whoever holds the bucket's keys may lay other objects beside the chunks.
      if (arrival.kind !== 'chunk' || arrival.number < 1 || arrival.number > count) continue;
      if (!one.beyond.has(arrival.number)) fresh.push({ key, number: arrival.number });
    }
    await receive(
      intake,
      fresh.map(({ key }) => key),
    );
    for (const { number } of fresh) one.beyond.add(number);
    found += fresh.length;
    const last = page.at(-1)?.key;
    if (last === undefined || page.length < PAGE) break;
    after = last;
  }
  while (one.beyond.delete(one.through + 1)) one.through++;
  return found;
}
