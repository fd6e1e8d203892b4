/** The smallest honest client of remote uploads: it serves one file from memory, whatever is asked. */
import type { CloudDrive2Client } from '#clients/clouddrive2/client.ts';
import type { Hashes } from '#clients/clouddrive2/hashes.ts';
import { hasherOf } from '#clients/clouddrive2/hashing.ts';
import type { RemoteHash, RemoteRead } from '#clients/clouddrive2/remote-asks.ts';
import { isFinal, type UploadState } from '#clients/clouddrive2/statuses.ts';

export interface Served {
  readonly uploadId: string;
  readonly states: readonly UploadState[];
  readonly errorMessage: string;
  readonly reads: number;
  readonly hashes: readonly RemoteHash[];
}

export interface ServeOptions {
  readonly client: CloudDrive2Client;
  readonly path: string;
  readonly content: Uint8Array;
  readonly hashes?: Hashes;
  readonly hashing?: 'by-us' | 'by-server';
  readonly deviceId?: string;
}

/** Starts the upload and answers until it ends. */
export async function serveFile(options: ServeOptions): Promise<Served> {
  const { client, path, content, hashes = {}, hashing = 'by-us', deviceId = 'device' } = options;
  const stop = new AbortController();
  const states: UploadState[] = [];
  const asked: RemoteHash[] = [];
  const answers: Promise<void>[] = [];
  const started = Promise.withResolvers<string>();
  let uploadId: string | undefined;
  let errorMessage = '';
  let reads = 0;
  try {
    for await (const ask of client.remoteUploadChannel(deviceId, stop.signal)) {
      if (ask.kind === 'connected') {
        if (uploadId !== undefined) continue;
        const start = { path, sizeBytes: content.length, hashes, hashing };
        client.startRemoteUpload(start, stop.signal).then(started.resolve, (error: unknown) => stop.abort(error));
        continue;
      }
      // Questions may come before the id is known.
      uploadId ??= await started.promise;
      if (ask.kind === 'unknown' || ask.uploadId !== uploadId) continue;
      if (ask.kind === 'read') {
        reads += 1;
        answers.push(answerRead(client, ask, content, stop.signal));
      }
      if (ask.kind === 'hash') {
        asked.push(ask);
        answers.push(answerHash(client, ask, content, stop.signal));
      }
      if (ask.kind !== 'state') continue;
      states.push(ask.state);
      errorMessage = ask.errorMessage;
      if (isFinal(ask.state)) break;
    }
    await Promise.all(answers);
    return { uploadId: uploadId ?? '', states, errorMessage, reads, hashes: asked };
  } finally {
    stop.abort();
  }
}

export async function answerRead(
  client: CloudDrive2Client,
  read: RemoteRead,
  content: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const start = Math.min(read.range.start, content.length);
  const end = Math.min(read.range.end, content.length);
  await client.remoteReadData(
    read,
    { sizeBytes: content.length, start, end, source: inChunks(content.subarray(start, end)) },
    signal,
  );
}

async function answerHash(
  client: CloudDrive2Client,
  { uploadId, hash, blockBytes }: RemoteHash,
  content: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const sizeBytes = content.length;
  await client.remoteHashProgress({ uploadId, hash, hashedBytes: 0, sizeBytes }, signal);
  const hasher = hasherOf(hash, sizeBytes, blockBytes);
  for (const chunk of inSlices(content)) hasher.update(chunk);
  await client.remoteHashProgress(
    { uploadId, hash, hashedBytes: sizeBytes, sizeBytes, digest: hasher.digest() },
    signal,
  );
}

/** Of a size that fits nothing. */
const CHUNK = 300_007;

function* inSlices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
}

async function* inChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* inSlices(bytes);
}
