/** One lease of an upload's row: makes missing transfers, ends idle ones, and removes staged bytes that nobody needs. */

import { Fault, toFault } from '#core/fault.ts';
import { makeHeads } from '#core/heads.ts';
import type { Release, WorkRow } from '#core/ports/work-table.ts';
import { HeadState, headKey, StripeState, servedIn, UploadState } from '#core/state.ts';
import { faultTrace } from '#core/trace.ts';
import { chunkPrefix } from '#core/wire/keys.ts';
import { backoffMs } from './backoff.ts';
import { discardSession } from './discarding.ts';
import type { Budget, Engine } from './engine.ts';
import type { Lease } from './lease.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** An upload without news for this long is given up, and none lives longer than the other. Documented, and in the runbook. */
export const IDLE_EXPIRY_MS = 7 * DAY_MS;
export const HARD_EXPIRY_MS = 21 * DAY_MS;
/** Inbox objects belong to whoever put them there: they stay a day after they were delivered. */
const INBOX_RETENTION_MS = DAY_MS;
/** Longer than a presigned put can live: what is put after the first pass is found by the second. */
const SECOND_PASS_MS = 20 * MINUTE_MS;
const CANCEL_WAIT_MS = 5 * MINUTE_MS;
/** Ended uploads and transfers stay on the list this long. */
const HISTORY_MS = 30 * DAY_MS;
/** An object that only its store's own rules or a person removes is looked for this often. */
const LOOK_AGAIN_MS = 7 * DAY_MS;
const PAGE = 500;
const REMOVES_AT_ONCE = 16;

export async function advanceUpload(engine: Engine, lease: Lease, budget: Budget): Promise<Release | null> {
  const upload = UploadState.parse(lease.row.state);
  try {
    if (lease.row.phase === 'open') return await collectOpen(engine, lease, budget, upload);
    if (lease.row.phase === 'removed') return await lookAgain(engine, lease, upload);
    return await sweepBytes(engine, lease, budget, upload);
  } catch (error) {
    if (lease.signal.aborted) throw error;
    const fault = toFault(error);
    engine.log.error('upload.fault', { uploadId: upload.uploadId, ...faultTrace(fault) });
    return { to: 'rest', dueAt: engine.clock.now() + backoffMs(engine.clock, fault, 6) };
  }
}

async function collectOpen(engine: Engine, lease: Lease, budget: Budget, upload: UploadState): Promise<Release> {
  const now = engine.clock.now();
  const heads = await madeHeads(engine, upload);
  const live = heads.filter((row) => row.queue !== null);
  const isWanted = live.length > 0 || heads.some((row) => row.phase === 'failed');
  const expiresAt = isWanted ? await expiryOf(engine, lease, upload, heads) : now;
  if (live.length > 0) {
    if (now < expiresAt) return { to: 'wait', dueAt: Math.min(expiresAt, now + DAY_MS) };
    for (const row of live) {
      await engine.table.wish(row, 'cancel', now);
      await engine.table.wake(row, 0, now, 'rest');
    }
    await engine.dispatcher.send(live.map(({ pk, sk }) => ({ pk, sk })));
    return { to: 'rest', dueAt: now + CANCEL_WAIT_MS };
  }
  const removableAt = isWanted ? expiresAt : retainedUntil(upload, heads);
  // Once a day at least: the wake at the end of a transfer that was tried again may be lost.
  if (now < removableAt) return { to: 'wait', dueAt: Math.min(removableAt, now + DAY_MS) };
  const advance = { phase: 'removing', state: upload };
  const isCommitted = await lease.commit(advance, { ifTouched: lease.row.touched });
  return isCommitted ? sweepBytes(engine, lease, budget, upload) : { to: 'wait', dueAt: now + MINUTE_MS };
}

/** Two passes of LIST and delete, twenty minutes apart; then the receipts go, and the history gets an end. */
async function sweepBytes(engine: Engine, lease: Lease, budget: Budget, upload: UploadState): Promise<Release> {
  const now = engine.clock.now();
  if (upload.sweptAt === null) await discardFailed(engine, lease, upload);
  const isSwept = await removeBytes(engine, lease, budget, upload);
  if (!isSwept) return { to: 'wait', dueAt: now };
  if (upload.sweptAt === null) {
    return {
      to: 'rest',
      dueAt: now + SECOND_PASS_MS,
      advance: { phase: 'removing', state: { ...upload, sweptAt: now } },
    };
  }
  for (const { transferId } of upload.specs) {
    const { pk } = headKey(transferId);
    for (const prefix of ['S#', 'R#']) {
      const rows = await engine.table.query(pk, prefix, { limit: PAGE });
      for (const row of rows) await engine.table.remove(row);
      if (rows.length === PAGE) return { to: 'wait', dueAt: now };
    }
    await engine.table.expire(headKey(transferId), now + HISTORY_MS, now);
  }
  for (const row of await engine.table.query(lease.key.pk, 'H#')) await engine.table.remove(row);
  return lastOf(engine, lease, upload);
}

/** Some stores cannot remove conditionally: while the object stays its row does, or it would be taken for a new arrival. */
async function lookAgain(engine: Engine, lease: Lease, upload: UploadState): Promise<Release> {
  if (upload.layout.kind === 'object') await engine.source.remove(upload.layout.key, upload.layout.version);
  return lastOf(engine, lease, upload);
}

async function lastOf(engine: Engine, lease: Lease, upload: UploadState): Promise<Release> {
  const now = engine.clock.now();
  const advance = { phase: 'removed', state: upload };
  if (await isStillThere(engine, upload)) return { to: 'rest', dueAt: now + LOOK_AGAIN_MS, advance };
  await engine.table.expire(lease.key, now + HISTORY_MS, now);
  return { to: 'ended', advance };
}

/** A failed transfer kept its session for a retry, which can no longer come. */
async function discardFailed(engine: Engine, lease: Lease, upload: UploadState): Promise<void> {
  for (const row of await headsOf(engine, upload)) {
    if (row.phase === 'failed') await discardSession(engine, HeadState.parse(row.state), lease.signal);
  }
}

async function removeBytes(engine: Engine, lease: Lease, budget: Budget, upload: UploadState): Promise<boolean> {
  if (upload.layout.kind === 'object') {
    await engine.source.remove(upload.layout.key, upload.layout.version);
    return true;
  }
  for (;;) {
    const objects = await engine.source.list({ prefix: chunkPrefix(upload.uploadId), limit: PAGE });
    for (let i = 0; i < objects.length; i += REMOVES_AT_ONCE) {
      lease.signal.throwIfAborted();
      if (budget.remainingMs() <= 0) return false;
      await Promise.all(objects.slice(i, i + REMOVES_AT_ONCE).map((object) => engine.source.remove(object.key)));
    }
    if (objects.length < PAGE) return true;
  }
}

async function isStillThere({ source }: Engine, { layout }: UploadState): Promise<boolean> {
  return layout.kind === 'object' && (await source.stat(layout.key))?.version === layout.version;
}

/** Every transfer has ended and its bytes need not be kept: there is something to do now, whatever the row waits for. */
export async function isRemovable(engine: Engine, upload: UploadState): Promise<boolean> {
  const heads = await headsOf(engine, upload);
  if (heads.some((row) => row.queue !== null || row.phase === 'failed')) return false;
  return retainedUntil(upload, heads) <= engine.clock.now();
}

/** The heads, with those that a create which died half way left out. */
async function madeHeads(engine: Engine, upload: UploadState): Promise<WorkRow[]> {
  const found = await Promise.all(upload.specs.map(({ transferId }) => engine.table.get(headKey(transferId))));
  const there = found.filter((row) => row !== null);
  if (there.length === found.length) return there;
  await makeHeads(engine, upload);
  return headsOf(engine, upload);
}

async function expiryOf(engine: Engine, lease: Lease, upload: UploadState, heads: readonly WorkRow[]): Promise<number> {
  const activityAt = await lastActivity(engine, upload, heads);
  const idleEndsAt = Math.max(activityAt + IDLE_EXPIRY_MS, lease.row.expiresAt ?? 0);
  return Math.min(idleEndsAt, upload.createdAt + HARD_EXPIRY_MS);
}

async function headsOf({ table }: Engine, upload: UploadState): Promise<WorkRow[]> {
  const heads: WorkRow[] = [];
  for (const { transferId } of upload.specs) {
    const row = await table.get(headKey(transferId));
    if (row === null)
      throw new Fault('transient', 'upload.heads_missing', 'a transfer of this upload is not there yet');
    heads.push(row);
  }
  return heads;
}

/** When anything last happened: a chunk put, a part delivered, a phase changed. */
async function lastActivity(
  { table, source }: Engine,
  upload: UploadState,
  heads: readonly WorkRow[],
): Promise<number> {
  let at = upload.createdAt;
  for (const row of heads) {
    const head = HeadState.parse(row.state);
    at = Math.max(at, head.events.at(-1)?.at ?? 0, servedIn(head.step)?.movedAt ?? 0);
    for (const stripe of await table.query(row.pk, 'S#', { limit: 32 })) {
      at = Math.max(at, StripeState.parse(stripe.state).movedAt);
    }
  }
  if (upload.layout.kind === 'chunks') {
    for (let after: string | undefined; ; ) {
      const page = await source.list({
        prefix: chunkPrefix(upload.uploadId),
        limit: 1_000,
        ...(after === undefined ? {} : { after }),
      });
      at = Math.max(at, ...page.map((object) => object.modifiedAtMs));
      if (page.length < 1_000) break;
      after = page.at(-1)?.key;
    }
  }
  return at;
}

function retainedUntil(upload: UploadState, heads: readonly WorkRow[]): number {
  if (upload.layout.kind === 'chunks') return 0;
  const ends = heads.map((row) => {
    const { step } = HeadState.parse(row.state);
    return 'endedAt' in step ? step.endedAt : 0;
  });
  return Math.max(0, ...ends) + INBOX_RETENTION_MS;
}
