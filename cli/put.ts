/** `entrepot put`: files into the bucket, and with `--watch` until they have arrived. */
import type { Clock } from '#core/ports/clock.ts';
import type { DigestAlgorithm } from '#core/wire/digest.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import type { CreateUploadAnswer, UploadView } from '#core/wire/upload.ts';
import { announceFile } from './announce.ts';
import type { Client } from './client.ts';
import type { FileJob } from './files.ts';
import { type Follower, follow } from './follow.ts';
import { isInstant, wholeDigests } from './instant.ts';
import { type LocalFile, openLocalFile } from './local-file.ts';
import { Problem, toProblem } from './problem.ts';
import { keepAliveAgents } from './put-chunk.ts';
import type { PutReport } from './put-report.ts';
import { type SendPorts, sendChunks } from './send-chunks.ts';
import { slots } from './slots.ts';

export interface PutPorts {
  readonly client: Client;
  readonly clock: Clock;
  readonly report: PutReport;
  readonly signal: AbortSignal;
}

export interface PutOptions {
  readonly until: 'staged' | 'delivered';
  readonly digests: readonly DigestAlgorithm[];
  readonly again: string;
}

interface Run extends PutPorts, SendPorts {
  readonly client: Client;
  readonly options: PutOptions;
  readonly follower: Follower | null;
}

/** Chunks on their way at once, over all files. */
const CHUNKS_AT_ONCE = 4;
/** Small files cost more waiting than bytes. */
const FILES_AT_ONCE = 4;

/** Answers how many files did not get where they should. Throws what no other file would survive: no server, no permission. */
export async function putFiles(ports: PutPorts, jobs: readonly FileJob[], options: PutOptions): Promise<number> {
  const { client, clock, report, signal } = ports;
  const agents = keepAliveAgents();
  const follower =
    options.until === 'delivered' ? follow({ client, clock, signal, onView: report.moved, scope: 'awaited' }) : null;
  const run: Run = { ...ports, agents, slots: slots(CHUNKS_AT_ONCE), options, follower };
  const queue = [...jobs];
  const endings: Promise<boolean>[] = [];
  let failed = 0;

  async function work(): Promise<void> {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      const current = job;
      try {
        // Who waits for the delivery of one file sends the next one meanwhile.
        const delivered = (await stage(run, current)).map((ending) => ending.then((view) => view.phase === 'done'));
        endings.push(...delivered.map((ending) => ending.catch((error: unknown) => fail(current, error))));
        // They are looked at when all files are staged; until then a rejection is nobody's fault.
        for (const ending of endings) ending.catch(() => undefined);
      } catch (error) {
        fail(current, error);
        failed++;
      }
    }
  }

  function fail(job: FileJob, error: unknown): false {
    signal.throwIfAborted();
    const problem = toProblem(error);
    if (problem.exitCode === 2) throw problem;
    report.failed(job, problem);
    return false;
  }

  try {
    await Promise.all(Array.from({ length: FILES_AT_ONCE }, work));
    const outcomes = await Promise.all(endings);
    return failed + outcomes.filter((isDelivered) => !isDelivered).length;
  } finally {
    agents.close();
    follower?.close();
    report.close();
  }
}

/** Until all bytes are in the bucket, or known not to be needed. Answers the deliveries to wait for. */
async function stage(run: Run, job: FileJob): Promise<readonly Promise<TransferView>[]> {
  const { client, report, options, follower, clock } = run;
  const file = await openLocalFile(job.path);
  try {
    const startedAtMs = clock.now();
    report.started(job, file.sizeBytes);
    const digests = await wholeDigests(file, options.digests);
    const announced = await announceFile(client, { job, file, digests, again: options.again });
    report.announced(job, announced);
    const endings = follower === null ? [] : announced.transfers.map((view) => follower.untilEnded(view));
    const sentBytes = await send(run, job, file, announced);
    const { upload, transfers } = announced;
    report.staged(job, { upload, transfers, sentBytes, elapsedMs: clock.now() - startedAtMs });
    return endings;
  } finally {
    await file.close();
  }
}

async function send(run: Run, job: FileJob, file: LocalFile, announced: CreateUploadAnswer): Promise<number> {
  const { upload, transfers, chunks } = announced;
  if (transfers.every(({ phase }) => phase === 'done')) return 0;
  if (run.options.digests.length > 0 && (await isInstant(run, file, upload.id))) return 0;
  const missing = await missingChunks(run.client, announced);
  run.report.held(job, heldBytes(upload, missing));
  try {
    const onBytes = (count: number) => run.report.sent(job, count);
    return await sendChunks(run, { file, upload, missing, tickets: chunks, onBytes });
  } catch (error) {
    // Its chunks are of two different files: none of it may arrive.
    if (error instanceof Problem && error.code === 'file.changed') await run.client.removeUpload(upload.id);
    throw error;
  }
}

async function missingChunks(client: Client, { upload, transfers }: CreateUploadAnswer): Promise<readonly number[]> {
  const numbers = Array.from({ length: upload.chunkCount }, (_, index) => index + 1);
  if (transfers.every(({ stagedBytes, phase }) => stagedBytes === 0 && phase === 'staging')) return numbers;
  const { staged } = await client.upload(upload.id);
  const held = new Set(staged.flatMap(([from, to]) => numbers.slice(from - 1, to)));
  return numbers.filter((number) => !held.has(number));
}

function heldBytes({ sizeBytes, chunkBytes, chunkCount }: UploadView, missing: readonly number[]): number {
  const lastBytes = sizeBytes - (chunkCount - 1) * chunkBytes;
  const missingBytes = missing.reduce((sum, number) => sum + (number === chunkCount ? lastBytes : chunkBytes), 0);
  return sizeBytes - missingBytes;
}
