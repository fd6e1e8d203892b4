/** Hashers for staged bytes: some that are fast, and some whose state can be saved and carried to another function. */
import { createHash } from 'node:crypto';
import { Fault } from '#core/fault.ts';
import type { ByteRange, StagingSource } from '#core/ports/staging.ts';
import type { DigestAlgorithm, DigestAsk } from '#core/wire/digest.ts';
import { savableHasher } from '#hashing';
import { joined } from './exact.ts';
import { type StagedFile, type StagedWindow, stagedWindow } from './window.ts';

export interface Hasher {
  update(bytes: Uint8Array): unknown;
  digest(as: 'hex'): string;
}

/** 1.5 (MD5) to 6 (SHA-256) times as fast where the runtime has the algorithm itself; its state dies with the process. */
export async function quickHasher(algorithm: DigestAlgorithm): Promise<Hasher> {
  switch (algorithm) {
    case 'sha1':
    case 'md5':
    case 'sha256':
      return createHash(algorithm);
    case 'crc64':
    case 'crc64nvme':
      return savableHasher(algorithm);
    default:
      return algorithm satisfies never;
  }
}

/** Lower-case hex of the digest of staged bytes [ask.start, ask.end). The range must be listed as staged. */
export async function rangeDigest(
  source: StagingSource,
  file: StagedFile,
  ask: DigestAsk,
  signal: AbortSignal,
): Promise<string> {
  if (ask.end > file.sizeBytes || ask.start > ask.end) {
    throw new Fault('bug', 'provider.ask_range', 'the destination asks for bytes outside the file');
  }
  const window = stagedWindow(source, file);
  await window.refresh(ask);
  const hasher = await quickHasher(ask.algorithm);
  await feed(source, window, ask, [hasher], signal, () => {});
  return hasher.digest('hex');
}

/** Streams the bytes of a covered range into the hashers, and tells after each piece how many bytes they have had. */
export async function feed(
  source: StagingSource,
  window: StagedWindow,
  range: ByteRange,
  hashers: readonly Hasher[],
  signal: AbortSignal,
  onBytes: (count: number) => void,
): Promise<void> {
  const opens = window.spans(range).map((span) => () => source.read(span, span.range, signal));
  const reader = joined(opens, range.end - range.start, () => {}).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    for (const hasher of hashers) hasher.update(value);
    onBytes(value.byteLength);
  }
}
