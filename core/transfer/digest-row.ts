/** The work row that computes an upload's digests, once, for every transfer that asks. */

import { Fault } from '#core/fault.ts';
import type { WorkRow, WorkTable } from '#core/ports/work-table.ts';
import {
  DIGEST_PREFIX,
  DIGEST_QUEUE,
  DigestState,
  digestKey,
  type TransferFile,
  UploadState,
  uploadKey,
} from '#core/state.ts';
import { DigestAlgorithm } from '#core/wire/digest.ts';
import type { UploadId } from '#core/wire/ids.ts';
import { DIGEST_LIBRARY } from '#hashing';
import type { Engine } from './engine.ts';

export interface DigestRow {
  readonly row: WorkRow;
  readonly state: DigestState;
}

/** The row that computes all of these, among others; one that is through, if there are several. Null when there is none. */
export async function digestRowOf(
  table: WorkTable,
  uploadId: UploadId,
  wanted: readonly DigestAlgorithm[],
): Promise<DigestRow | null> {
  const { pk } = uploadKey(uploadId);
  const rows = (await table.query(pk, DIGEST_PREFIX)).map((row) => ({ row, state: DigestState.parse(row.state) }));
  const fit = rows.filter(({ state }) => wanted.every((algorithm) => state.algorithms.includes(algorithm)));
  return fit.find(({ state }) => state.result !== null) ?? fit[0] ?? null;
}

/**
 * Makes the row if there is none, and hints at it. `prompt`: the caller waits for it, so one that has given up or rests until
 * more bytes have come goes on at once.
 */
export async function ensureDigest(
  engine: Engine,
  file: Pick<TransferFile, 'uploadId' | 'createdAt'>,
  wanted: readonly DigestAlgorithm[],
  pace: DigestState['pace'],
): Promise<void> {
  const { table, clock, dispatcher } = engine;
  const found = await digestRowOf(table, file.uploadId, wanted);
  if (found === null) {
    const state = newDigestState(file.uploadId, await everyAlgorithm(engine, file.uploadId, wanted), pace);
    const key = digestKey(file.uploadId, state.algorithms);
    const row = { ...key, queue: DIGEST_QUEUE, dueAt: file.createdAt, phase: 'hashing', state };
    await table.create(row, clock.now());
    return dispatcher.send([key]);
  }
  const { row, state } = found;
  const hasGivenUp = row.dueAt === null;
  // One that rests because of a fault has its reason.
  const isResting = row.hold === 'rest' && state.streak === 0;
  if (pace === 'meanwhile' || row.queue === null || !(hasGivenUp || isResting)) return;
  const key = { pk: row.pk, sk: row.sk };
  await table.wake(key, clock.now(), clock.now(), hasGivenUp ? 'wait' : 'rest');
  await dispatcher.send([key]);
}

/** What any transfer of the upload needs, what its client claimed and its home wants: with these the bytes are read once for all. */
async function everyAlgorithm(
  { table, destinations }: Engine,
  uploadId: UploadId,
  wanted: readonly DigestAlgorithm[],
): Promise<DigestAlgorithm[]> {
  const row = await table.get(uploadKey(uploadId));
  if (row === null) return [...wanted];
  const { specs, digests, wanted: byHome = [] } = UploadState.parse(row.state);
  const all = new Set([...wanted, ...byHome]);
  for (const id of new Set(specs.map(({ destinationId }) => destinationId))) {
    for (const algorithm of await needsOf(destinations, id)) all.add(algorithm);
  }
  return DigestAlgorithm.options.filter((algorithm) => all.has(algorithm) || digests[algorithm] !== undefined);
}

/** A destination that cannot be connected now will have a row of its own when it can. */
async function needsOf(destinations: Engine['destinations'], id: string): Promise<readonly DigestAlgorithm[]> {
  try {
    return (await destinations.provider(id)).needs;
  } catch (error) {
    if (error instanceof Fault) return [];
    throw error;
  }
}

export function newDigestState(
  uploadId: UploadId,
  algorithms: readonly DigestAlgorithm[],
  pace: DigestState['pace'],
): DigestState {
  return {
    v: 1,
    uploadId,
    algorithms: [...algorithms].sort(),
    pace,
    cursorBytes: 0,
    library: DIGEST_LIBRARY,
    saved: {},
    isKeeping: false,
    pieces: [],
    result: null,
    failures: 0,
    streak: 0,
    fault: null,
  };
}
