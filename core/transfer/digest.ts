/** One lease of a digest row: reads staged bytes in order and saves the hash states as it goes. */
import type { IHasher } from 'hash-wasm';
import { toFault } from '#core/fault.ts';
import type { Release, RowKey } from '#core/ports/work-table.ts';
import { DigestState, headKey, UploadState, uploadKey } from '#core/state.ts';
import { type DigestAlgorithm, Digests } from '#core/wire/digest.ts';
import { backoffMs, isWorthRetrying } from './backoff.ts';
import { DIGEST_LIBRARY, feed, newHasher } from './digesting.ts';
import { type Budget, COMMIT_MS, type Engine, idleDelayMs, LINGER_MS, LINGER_STEP_MS } from './engine.ts';
import { errorOf } from './kept-fault.ts';
import type { Lease } from './lease.ts';
import { type StagedWindow, stagedWindow } from './window.ts';

/** Bytes hashed between two looks at the clock and the budget. */
const PIECE_BYTES = 16 * 1024 * 1024;
/** Bytes hashed at most between two commits. */
const COMMIT_BYTES = 64 * 1024 * 1024;

type Hashers = ReadonlyMap<DigestAlgorithm, IHasher>;

export async function advanceDigest(engine: Engine, lease: Lease, budget: Budget): Promise<Release | null> {
  const { clock } = engine;
  const stored = DigestState.parse(lease.row.state);
  const uploadRow = await engine.table.get(uploadKey(stored.uploadId));
  if (uploadRow === null || uploadRow.phase !== 'open') return { to: 'ended' };
  const upload = UploadState.parse(uploadRow.state);
  const signal = AbortSignal.any([lease.signal, budget.signal]);
  const window = stagedWindow(engine.source, upload);

  let state: DigestState =
    stored.library === DIGEST_LIBRARY ? stored : { ...stored, library: DIGEST_LIBRARY, cursorBytes: 0, saved: {} };
  const hashers = await loaded(state);
  let cursor = state.cursorBytes;
  let committedAt = clock.now();
  let idleSince = clock.now();
  const reached = (): DigestState => ({ ...state, cursorBytes: cursor, saved: saved(hashers) });
  const letGo = (to: 'wait' | 'rest', dueAt: number, left: DigestState): Release => ({
    to,
    dueAt,
    advance: { phase: 'hashing', state: left },
  });

  try {
    while (cursor < upload.sizeBytes) {
      signal.throwIfAborted();
      if (budget.remainingMs() <= 0) return letGo('wait', upload.createdAt, reached());
      const end = await readyEnd(window, cursor, upload.sizeBytes);
      if (end === cursor) {
        if (clock.now() - idleSince >= LINGER_MS) {
          return letGo('wait', clock.now() + idleDelayMs(clock.now() - upload.createdAt), reached());
        }
        await clock.sleep(LINGER_STEP_MS, signal);
        continue;
      }
      await feed(engine.source, window, { start: cursor, end }, [...hashers.values()], signal, (count) => {
        cursor += count;
      });
      idleSince = clock.now();
      if (cursor - state.cursorBytes >= COMMIT_BYTES || clock.now() - committedAt >= COMMIT_MS) {
        state = { ...reached(), streak: 0 };
        await lease.commit({ phase: 'hashing', state });
        committedAt = clock.now();
      }
    }
  } catch (error) {
    if (lease.signal.aborted) throw error;
    if (budget.signal.aborted) return letGo('wait', upload.createdAt, reached());
    const fault = toFault(error);
    engine.log.error('digest.fault', { uploadId: upload.uploadId, kind: fault.kind, code: fault.code });
    const failed = { ...reached(), failures: state.failures + 1, streak: state.streak + 1 };
    if (isWorthRetrying(fault, failed.streak)) {
      return letGo('rest', clock.now() + backoffMs(clock, fault, failed.streak), failed);
    }
    const told = { at: clock.now(), error: errorOf(fault) };
    return { to: 'parked', advance: { phase: 'hashing', state: { ...failed, streak: 0, fault: told } } };
  }
  const entries = [...hashers].map(([algorithm, hasher]) => [algorithm, hasher.digest('hex')]);
  const result = Digests.parse(Object.fromEntries(entries));
  return { to: 'ended', advance: { phase: 'ended', state: { ...state, cursorBytes: cursor, saved: {}, result } } };
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

/** End of the next piece whose bytes are all staged; `from` itself when there is none. */
async function readyEnd(window: StagedWindow, from: number, sizeBytes: number): Promise<number> {
  const most = Math.min(from + PIECE_BYTES, sizeBytes);
  if (window.coveredEnd(from, most) < most) await window.refresh({ start: from, end: most });
  return window.coveredEnd(from, most);
}

async function loaded(state: DigestState): Promise<Hashers> {
  const hashers = new Map<DigestAlgorithm, IHasher>();
  for (const algorithm of state.algorithms) {
    const hasher = await newHasher(algorithm);
    hasher.init();
    const bytes = state.saved[algorithm];
    if (bytes !== undefined && state.cursorBytes > 0) hasher.load(Buffer.from(bytes, 'base64'));
    hashers.set(algorithm, hasher);
  }
  return hashers;
}

function saved(hashers: Hashers): Record<string, string> {
  return Object.fromEntries(
    [...hashers].map(([algorithm, hasher]) => [algorithm, Buffer.from(hasher.save()).toString('base64')]),
  );
}
