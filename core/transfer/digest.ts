/** One lease of a digest row: reads staged bytes and saves how far it came. */

import { toFault } from '#core/fault.ts';
import type { Release, RowKey } from '#core/ports/work-table.ts';
import { DigestState, headKey, UploadState, uploadKey } from '#core/state.ts';
import { faultTrace } from '#core/trace.ts';
import { DIGEST_LIBRARY } from '#hashing';
import { backoffMs, isWorthRetrying } from './backoff.ts';
import { isAnyOrder } from './digest-ranges.ts';
import { inAnyOrder, inOneGo, inOrder, type Reading, type ReadingOf } from './digest-reading.ts';
import { type Budget, COMMIT_MS, type Engine, idleDelayMs, LINGER_MS, LINGER_STEP_MS } from './engine.ts';
import { errorOf } from './kept-fault.ts';
import type { Lease } from './lease.ts';
import { stagedWindow } from './window.ts';

/** Bytes hashed at most between two commits. */
const COMMIT_BYTES = 64 * 1024 * 1024;
/** A file up to this size is read in one go: a death costs no more than reading it again. */
const ONE_GO_BYTES = 1024 * 1024 * 1024;
/** What a slow bucket gives in one stream, with room to spare: 32 MiB/s. */
const SLOW_BYTES_PER_MS = (32 * 1024 * 1024) / 1_000;
/** How often a row that nobody waits for yet takes what has come. */
const MEANWHILE_MS = 30_000;

export async function advanceDigest(engine: Engine, lease: Lease, budget: Budget): Promise<Release | null> {
  const { clock } = engine;
  const stored = DigestState.parse(lease.row.state);
  const uploadRow = await engine.table.get(uploadKey(stored.uploadId));
  if (uploadRow === null || uploadRow.phase !== 'open') return { to: 'ended' };
  const upload = UploadState.parse(uploadRow.state);
  const signal = AbortSignal.any([lease.signal, budget.signal]);

  let state: DigestState =
    stored.library === DIGEST_LIBRARY ? stored : { ...stored, library: DIGEST_LIBRARY, cursorBytes: 0, saved: {} };
  let reading: Reading | null = null;
  const reached = (): DigestState => (reading === null ? state : { ...state, ...reading.kept() });
  const letGo = (to: 'wait' | 'rest', dueAt: number): Release => ({
    to,
    dueAt,
    advance: { phase: 'hashing', state: reached() },
  });

  try {
    const window = stagedWindow(engine.source, upload);
    reading = await readingOf({ source: engine.source, file: upload, window, state }, lease, budget);
    const startedWith = reading.keptBytes();
    let committed = { at: clock.now(), bytes: startedWith };
    let idleSince = clock.now();
    while (!reading.isWhole()) {
      signal.throwIfAborted();
      if (budget.remainingMs() <= 0) return letGo('wait', upload.createdAt);
      if (!(await reading.readOn(signal))) {
        const hasRead = reading.keptBytes() > startedWith;
        if (state.pace === 'meanwhile') return letGo('rest', clock.now() + restMs(engine, upload, hasRead));
        if (clock.now() - idleSince >= LINGER_MS) {
          return letGo('wait', clock.now() + idleDelayMs(clock.now() - upload.createdAt));
        }
        await clock.sleep(LINGER_STEP_MS, signal);
        continue;
      }
      idleSince = clock.now();
      const freshBytes = reading.keptBytes() - committed.bytes;
      if (freshBytes >= COMMIT_BYTES || (freshBytes > 0 && clock.now() - committed.at >= COMMIT_MS)) {
        state = { ...reached(), streak: 0 };
        await lease.commit({ phase: 'hashing', state });
        committed = { at: clock.now(), bytes: reading.keptBytes() };
      }
    }
    const ended = { ...state, cursorBytes: upload.sizeBytes, saved: {}, pieces: [], result: reading.result() };
    return { to: 'ended', advance: { phase: 'ended', state: ended } };
  } catch (error) {
    if (lease.signal.aborted) throw error;
    if (budget.signal.aborted) return letGo('wait', upload.createdAt);
    return afterFault(engine, reached(), error);
  }
}

/** The transfers that may have waited for the result, or for its failure. */
export async function wakeHeads(engine: Engine, digest: RowKey): Promise<void> {
  const row = await engine.table.get({ pk: digest.pk, sk: '@' });
  if (row === null) return;
  const upload = UploadState.parse(row.state);
  const keys = upload.specs.map((spec) => headKey(spec.transferId));
  for (const key of keys) await engine.table.wake(key, upload.createdAt, engine.clock.now());
  await engine.dispatcher.send(keys);
}

function afterFault({ clock, log }: Engine, reached: DigestState, error: unknown): Release {
  const fault = toFault(error);
  log.error('digest.fault', { uploadId: reached.uploadId, ...faultTrace(fault) });
  const failed = { ...reached, failures: reached.failures + 1, streak: reached.streak + 1 };
  if (isWorthRetrying(fault, failed.streak)) {
    const dueAt = clock.now() + backoffMs(clock, fault, failed.streak);
    return { to: 'rest', dueAt, advance: { phase: 'hashing', state: failed } };
  }
  const told = { at: clock.now(), error: errorOf(fault) };
  return { to: 'parked', advance: { phase: 'hashing', state: { ...failed, streak: 0, fault: told } } };
}

async function readingOf(of: ReadingOf, lease: Lease, budget: Budget): Promise<Reading> {
  if (isAnyOrder(of.state.algorithms)) return inAnyOrder(of);
  const { cursorBytes, isKeeping } = of.state;
  const isFirst = cursorBytes === 0 && !isKeeping && !lease.unclean;
  const fits = of.file.sizeBytes <= Math.min(ONE_GO_BYTES, budget.remainingMs() * SLOW_BYTES_PER_MS);
  return isFirst && fits && (await isStaged(of)) ? inOneGo(of) : inOrder(of);
}

async function isStaged({ file, window }: ReadingOf): Promise<boolean> {
  const whole = { start: 0, end: file.sizeBytes };
  await window.refresh(whole);
  return window.covers(whole);
}

/** Bytes keep coming, or the client is away. */
function restMs({ clock }: Engine, upload: UploadState, hasRead: boolean): number {
  return hasRead ? MEANWHILE_MS : idleDelayMs(clock.now() - upload.createdAt);
}
