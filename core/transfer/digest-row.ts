/** The work row that computes an upload's digests, once, for every transfer that asks. */
import { DIGEST_QUEUE, type DigestState, digestKey, type TransferFile } from '#core/state.ts';
import type { DigestAlgorithm } from '#core/wire/digest.ts';
import { DIGEST_LIBRARY } from './digesting.ts';
import type { Engine } from './engine.ts';

/** Makes the row if there is none, or starts it again if it has given up, and hints at it. */
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
    fault: null,
  };
  const row = { ...key, queue: DIGEST_QUEUE, dueAt: file.createdAt, phase: 'hashing', state };
  const now = engine.clock.now();
  if ((await engine.table.create(row, now)) === 'exists') {
    const found = await engine.table.get(key);
    if (found === null || found.dueAt !== null || !(await engine.table.wake(key, now, now))) return;
  }
  await engine.dispatcher.send([key]);
}
