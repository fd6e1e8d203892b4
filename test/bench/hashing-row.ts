/** One lease of a digest row as the engine does it, on an object of the embedded bucket in a process of its own. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AwsV4Signer } from 'aws4fetch';
import { memoryCells } from '#adapters/memory/cells.ts';
import { memoryProgress } from '#adapters/memory/progress.ts';
import { memoryWorkTable } from '#adapters/memory/work-table.ts';
import { s3StagingSource } from '#adapters/s3/staging.ts';
import { systemClock } from '#adapters/system/clock.ts';
import { s3Client } from '#clients/s3/client.ts';
import { newUploadId } from '#core/ids.ts';
import { DIGEST_QUEUE, DigestState, digestKey, type UploadState, uploadKey } from '#core/state.ts';
import { advance } from '#core/transfer/advance.ts';
import { newDigestState } from '#core/transfer/digest-row.ts';
import type { Budget, Engine } from '#core/transfer/engine.ts';
import type { DigestAlgorithm } from '#core/wire/digest.ts';
import { BENCH_BUCKET } from './bucket-keys.ts';
import { startChild } from './child.ts';
import { getBytes, putNoise } from './http.ts';
import { nowhere } from './nothing.ts';
import { inScratch } from './scratch.ts';

/** `saving`: as after a first lease that was cut short. */
export type Hashed = 'in one go' | 'saving' | 'any order';

export interface HashingRig {
  readonly bytes: number;
  /** Reads the object and throws it away. */
  get(): Promise<void>;
  hash(algorithms: readonly DigestAlgorithm[], way: Hashed): Promise<void>;
}

const KEY = 'inbox/nowhere/noise';
const BUDGET_MS = 10 * 60_000;

export async function inHashingRig<T>(bytes: number, work: (rig: HashingRig) => Promise<T>): Promise<T> {
  return inScratch(async (scratch) => {
    const directory = join(scratch, 'data');
    await mkdir(directory);
    const server = await startChild('bucket-server.ts', directory);
    const { bucket, ...keys } = BENCH_BUCKET;
    const client = s3Client({ ...keys, endpoint: server.url, forcePathStyle: true });
    try {
      const signed = async (method: string) => {
        const url = `${server.url}/${bucket}/${KEY}?X-Amz-Expires=3600`;
        return (await new AwsV4Signer({ ...keys, url, method, service: 's3', signQuery: true }).sign()).url.href;
      };
      await putNoise(await signed('PUT'), bytes);
      const engine = engineOn(s3StagingSource(client, bucket));
      return await work({
        bytes,
        get: async () => void (await getBytes(await signed('GET'))),
        hash: (algorithms, way) => hashedOnce(engine, bytes, algorithms, way),
      });
    } finally {
      client.destroy();
      await server.stop();
    }
  });
}

async function hashedOnce(
  engine: Engine,
  sizeBytes: number,
  algorithms: readonly DigestAlgorithm[],
  way: Hashed,
): Promise<void> {
  const { table, clock } = engine;
  const object = await engine.source.stat(KEY);
  const upload: UploadState = {
    v: 1,
    uploadId: newUploadId(clock),
    ownerId: 'local',
    name: 'noise',
    sizeBytes,
    layout: { kind: 'object', key: KEY, version: object?.version ?? '' },
    digests: {},
    specs: [],
    createdAt: clock.now(),
    sweptAt: null,
  };
  const own = { ...uploadKey(upload.uploadId), queue: null, dueAt: null, phase: 'open', state: upload };
  await table.create(own, clock.now());
  const state = { ...newDigestState(upload.uploadId, algorithms, 'prompt'), isKeeping: way === 'saving' };
  const key = digestKey(upload.uploadId, algorithms);
  await table.create({ ...key, queue: DIGEST_QUEUE, dueAt: 0, phase: 'hashing', state }, clock.now());
  const budget: Budget = { remainingMs: () => BUDGET_MS, signal: new AbortController().signal };
  await advance(engine, key, budget);
  const row = await table.get(key);
  if (DigestState.parse(row?.state).result === null) throw new Error(`not hashed: ${JSON.stringify(row?.state)}`);
}

function engineOn(source: Engine['source']): Engine {
  const clock = systemClock();
  let nonce = 0;
  return {
    table: memoryWorkTable(),
    cells: memoryCells(),
    source,
    dispatcher: { send: async () => {} },
    destinations: nowhere(clock, { session: null, tag: '', partBytes: 1, putMs: 0, faults: [] }),
    progress: memoryProgress(),
    clock,
    log: { info: () => {}, error: () => {} },
    limits: { files: 3, parts: 5, functionParts: 5, finishPatienceMs: 0 },
    newHolder: () => `bench/${++nonce}`,
  };
}
