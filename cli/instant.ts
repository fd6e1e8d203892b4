/** A destination that may know the file by its digests is asked before a byte is sent. */
import type { Clock } from '#core/ports/clock.ts';
import { type DigestAlgorithm, type DigestAsk, Digests } from '#core/wire/digest.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import type { Client } from './client.ts';
import type { LocalFile } from './local-file.ts';
import { Problem } from './problem.ts';

/** A minute: an account may be asked twice a second, and a file takes seven questions. Then the bytes are sent anyway. */
const LOOKS_MAX = 120;
const LOOK_MS = 500;
/** Providers that may know a file by its digests. */
const KNOWING: ReadonlySet<string> = new Set(['pan115', 'clouddrive2']);

export async function wholeDigests(file: LocalFile, algorithms: readonly DigestAlgorithm[]): Promise<Digests> {
  const entries: [string, string][] = [];
  for (const algorithm of algorithms) entries.push([algorithm, await file.digest(algorithm, 0, file.sizeBytes)]);
  return Digests.parse(Object.fromEntries(entries));
}

/** Answers questions about ranges of the file until the destinations have decided. True when none of them needs a byte. */
export async function isInstant(
  { client, clock, signal }: { readonly client: Client; readonly clock: Clock; readonly signal: AbortSignal },
  file: LocalFile,
  uploadId: string,
): Promise<boolean> {
  for (let look = 0; look < LOOKS_MAX; look++) {
    const { transfers, asks } = await client.upload(uploadId);
    if (transfers.every(({ phase }) => phase === 'done')) return true;
    if (asks.length > 0) await answerAsks(client, file, uploadId, asks);
    else if (!(await isDeciding(client, transfers))) return false;
    else await clock.sleep(LOOK_MS, signal);
  }
  return false;
}

async function answerAsks(client: Client, file: LocalFile, uploadId: string, asks: readonly DigestAsk[]) {
  const answers = [];
  for (const { id, algorithm, start, end } of asks.slice(0, 16)) {
    if (end > file.sizeBytes) throw new Problem('upload.bad_ask', 'a destination asks for bytes beyond the end');
    answers.push({ id, digest: await file.digest(algorithm, start, end) });
  }
  await client.answer(uploadId, answers).catch((error: unknown) => {
    // Somebody else answered first, or the bytes did.
    if (!(error instanceof Problem && error.code === 'upload.no_such_ask')) throw error;
  });
}

/** One is being asked, or waits for its turn to be. Others wait for the bytes. */
async function isDeciding(client: Client, transfers: readonly TransferView[]): Promise<boolean> {
  if (transfers.some(({ phase }) => phase === 'opening')) return true;
  const waiting = transfers.filter(({ phase }) => phase === 'staging').map(({ destinationId }) => destinationId);
  if (waiting.length === 0) return false;
  const { items } = await client.destinations();
  return items.some(({ id, provider }) => waiting.includes(id) && KNOWING.has(provider));
}
