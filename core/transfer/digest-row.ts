/** The work row that computes an upload's digests, once, for every transfer that asks. */
import { DIGEST_QUEUE, type DigestState, digestKey, type TransferFile } from '#core/state.ts';
import type { DigestAlgorithm } from '#core/wire/digest.ts';
import { DIGEST_LIBRARY } from './digesting.ts';
import type { Engine } from './engine.ts';

/** Makes the row if there is none, and hints at it. */
export async function ensureDigest(
  engine: Engine,
  file: Pick<TransferFile, 'uploadId' | 'createdAt'>,
  algorithms: readonly DigestAlgorithm[],
): Promise<void> {
  const key = digestKey(file.uploadId, algorithms);
  const state: DigestState = {
    v: 1,
    uploadId: file.uploadId,
    algorithms: [...algorithms].sort(),
    cursorBytes: 0,
    library: DIGEST_LIBRARY,
    saved: {},
    result: null,
    failures: 0,
    streak: 0,
  };
  const row = { ...key, queue: DIGEST_QUEUE, dueAt: file.createdAt, phase: 'hashing', state };
  const outcome = await engine.table.create(row, engine.clock.now());
  if (outcome === 'created') await engine.dispatcher.send([key]);
}
