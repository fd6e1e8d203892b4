/** Tells the server of a file, so that the same file told again goes on where it stopped. */
import { createHash } from 'node:crypto';
import type { Digests } from '#core/wire/digest.ts';
import type { CreateUploadAnswer } from '#core/wire/upload.ts';
import type { Client } from './client.ts';
import type { FileJob } from './files.ts';
import type { LocalFile } from './local-file.ts';
import { Problem } from './problem.ts';

export interface Announcing {
  readonly job: FileJob;
  readonly file: LocalFile;
  readonly digests: Digests;
  /** Other text, another upload: `''` goes on with the one of the last run. */
  readonly again: string;
}

/** Uploads of one file that were canceled or given up, before it is taken for a mistake. */
const GENERATIONS_MAX = 32;

/**
 * An upload that was canceled or has expired is left behind and the next one begun; a transfer that failed is tried again, in the
 * same upload. What is delivered already is answered as it is.
 */
export async function announceFile(client: Client, announcing: Announcing): Promise<CreateUploadAnswer> {
  const { job, file, digests } = announcing;
  for (let generation = 1; generation <= GENERATIONS_MAX; generation++) {
    const answer = await client.announce(idempotencyKey(announcing, generation), {
      name: job.name,
      sizeBytes: file.sizeBytes,
      destinations: job.targets.map(({ destinationId, folder }) => ({ id: destinationId, path: folder })),
      ...(Object.keys(digests).length === 0 ? {} : { digests }),
    });
    if (isOver(answer)) continue;
    const transfers = await retried(client, answer.transfers);
    if (transfers !== null) return { ...answer, transfers };
  }
  throw new Problem('upload.canceled', `this file was canceled ${GENERATIONS_MAX} times: use --again`);
}

function isOver({ upload, transfers }: CreateUploadAnswer): boolean {
  const isDelivered = transfers.every(({ phase }) => phase === 'done');
  return !isDelivered && (upload.phase !== 'open' || transfers.some(({ phase }) => phase === 'canceled'));
}

/** `null`: a transfer cannot be tried again, its upload has been given up meanwhile. */
async function retried(client: Client, transfers: CreateUploadAnswer['transfers']) {
  const views: CreateUploadAnswer['transfers'] = [];
  for (const view of transfers) {
    if (view.phase !== 'failed') {
      views.push(view);
      continue;
    }
    try {
      views.push(await client.wish(view.id, 'retry'));
    } catch (error) {
      if (error instanceof Problem && (error.status === 409 || error.status === 410)) return null;
      throw error;
    }
  }
  return views;
}

function idempotencyKey({ job, file, digests, again }: Announcing, generation: number): string {
  const parts = [job.path, file.sizeBytes, file.modifiedAtMs, job.targets, digests, again, generation];
  return `cli-${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`;
}
