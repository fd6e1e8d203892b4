/** A destination that may know the file by its digests is asked before a byte is sent. */
import type { Clock } from '#core/ports/clock.ts';
import { type DigestAlgorithm, type DigestAsk, Digests } from '#core/wire/digest.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import type { Client } from './client.ts';
import type { LocalFile } from './local-file.ts';
import { Problem } from './problem.ts';

const LOOKS_MAX = 60;
const LOOK_MS = 500;

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
    else if (!transfers.some((view) => isDeciding(view, look))) return false;
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

/** A transfer that was just made opens within moments, if its destination decides by digests at all. */
function isDeciding({ phase }: TransferView, look: number): boolean {
  return phase === 'opening' || (phase === 'staging' && look < 4);
}
