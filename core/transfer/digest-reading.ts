/** The ways in which a digest row reads a file: in one go, in order with states that are saved, or CRCs in any order. */

import { type CrcAlgorithm, combineCrc, isCrc } from '#core/crc.ts';
import type { SavableHasher } from '#core/hashing/hasher.ts';
import type { ByteRange, StagingSource } from '#core/ports/staging.ts';
import type { DigestPiece, DigestState } from '#core/state.ts';
import { type DigestAlgorithm, Digests } from '#core/wire/digest.ts';
import { savableHasher } from '#hashing';
import { readyRanges } from './digest-ranges.ts';
import { feed, type Hasher, quickHasher } from './digesting.ts';
import type { StagedFile, StagedWindow } from './window.ts';

type FileCrc = Extract<DigestAlgorithm, CrcAlgorithm>;

export interface Reading {
  isWhole(): boolean;
  /** Reads a little of what is staged; false when nothing more is. What was read before an error counts. */
  readOn(signal: AbortSignal): Promise<boolean>;
  /** What a commit keeps of it, and how many bytes that spares the next holder. */
  kept(): Pick<DigestState, 'cursorBytes' | 'saved' | 'pieces' | 'isKeeping'>;
  keptBytes(): number;
  /** Of the whole file. */
  result(): Digests;
}

export interface ReadingOf {
  readonly source: StagingSource;
  readonly file: StagedFile;
  readonly window: StagedWindow;
  readonly state: DigestState;
}

/** As fast as the runtime hashes. Nothing is kept: whoever comes after a death begins anew, and keeps. */
export async function inOneGo({ source, file, window, state }: ReadingOf): Promise<Reading> {
  const hashers = await allOf(state.algorithms, quickHasher);
  const cursor = ordered({ source, file, window, state }, hashers);
  return {
    ...cursor,
    kept: () => ({ cursorBytes: 0, saved: {}, pieces: [], isKeeping: true }),
    keptBytes: () => 0,
  };
}

export async function inOrder({ source, file, window, state }: ReadingOf): Promise<Reading> {
  const hashers = await allOf(state.algorithms, savableHasher);
  for (const [algorithm, hasher] of hashers) {
    const bytes = state.saved[algorithm];
    if (bytes !== undefined && state.cursorBytes > 0) hasher.load(Buffer.from(bytes, 'base64'));
  }
  const cursor = ordered({ source, file, window, state }, hashers);
  return {
    ...cursor,
    kept: () => ({ cursorBytes: cursor.cursorBytes(), saved: saved(hashers), pieces: [], isKeeping: true }),
    keptBytes: cursor.cursorBytes,
  };
}

/** Ranges are read at once, and their CRCs combined. */
export function inAnyOrder({ source, file, window, state }: ReadingOf): Reading {
  const algorithms = state.algorithms.filter((algorithm): algorithm is FileCrc => isCrc(algorithm));
  let pieces: readonly DigestPiece[] = state.pieces;
  const cursorBytes = () => (pieces[0]?.start === 0 ? pieces[0].end : 0);

  async function read(range: ByteRange, signal: AbortSignal): Promise<void> {
    const hashers = await allOf(algorithms, savableHasher);
    let at = range.start;
    try {
      await feed(source, window, range, [...hashers.values()], signal, (count) => {
        at += count;
      });
    } finally {
      if (at > range.start)
        pieces = joined(algorithms, pieces, { start: range.start, end: at, digests: hexes(hashers) });
    }
  }

  return {
    isWhole: () => cursorBytes() === file.sizeBytes,
    readOn: async (signal) => {
      const reached = { algorithms: state.algorithms, cursorBytes: cursorBytes(), pieces: [...pieces] };
      const ranges = await readyRanges(reached, file, window);
      const reads = await Promise.allSettled(ranges.map((range) => read(range, signal)));
      const failed = reads.find((one) => one.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      return ranges.length > 0;
    },
    kept: () => ({ cursorBytes: cursorBytes(), saved: {}, pieces: [...pieces], isKeeping: true }),
    keptBytes: () => pieces.reduce((total, { start, end }) => total + end - start, 0),
    result: () => {
      const [whole] = pieces;
      return Digests.parse(whole?.digests ?? Object.fromEntries(algorithms.map((name) => [name, combined(name, [])])));
    },
  };
}

function ordered({ source, file, window, state }: ReadingOf, hashers: ReadonlyMap<DigestAlgorithm, Hasher>) {
  let cursorBytes = state.cursorBytes;
  return {
    cursorBytes: () => cursorBytes,
    isWhole: () => cursorBytes === file.sizeBytes,
    readOn: async (signal: AbortSignal): Promise<boolean> => {
      const [range] = await readyRanges({ ...state, cursorBytes }, file, window);
      if (range === undefined) return false;
      await feed(source, window, range, [...hashers.values()], signal, (count) => {
        cursorBytes += count;
      });
      return true;
    },
    result: () => Digests.parse(hexes(hashers)),
  };
}

async function allOf<A extends DigestAlgorithm, H>(
  algorithms: readonly A[],
  create: (algorithm: A) => Promise<H>,
): Promise<ReadonlyMap<A, H>> {
  const hashers = new Map<A, H>();
  for (const algorithm of algorithms) hashers.set(algorithm, await create(algorithm));
  return hashers;
}

function saved(hashers: ReadonlyMap<DigestAlgorithm, SavableHasher>): Record<string, string> {
  return Object.fromEntries(
    [...hashers].map(([algorithm, hasher]) => [algorithm, Buffer.from(hasher.save()).toString('base64')]),
  );
}

function hexes(hashers: ReadonlyMap<string, Hasher>): Record<string, string> {
  return Object.fromEntries([...hashers].map(([algorithm, hasher]) => [algorithm, hasher.digest('hex')]));
}

/** With one more piece among them; pieces that touch become one. */
function joined(
  algorithms: readonly FileCrc[],
  pieces: readonly DigestPiece[],
  added: DigestPiece,
): readonly DigestPiece[] {
  const all: DigestPiece[] = [];
  for (const piece of [...pieces, added].sort((a, b) => a.start - b.start)) {
    const last = all.at(-1);
    if (last?.end === piece.start) all[all.length - 1] = glued(algorithms, last, piece);
    else all.push(piece);
  }
  return all;
}

function glued(algorithms: readonly FileCrc[], left: DigestPiece, right: DigestPiece): DigestPiece {
  const digests = algorithms.map((algorithm) => [algorithm, combined(algorithm, [left, right])]);
  return { start: left.start, end: right.end, digests: Object.fromEntries(digests) };
}

function combined(algorithm: FileCrc, pieces: readonly DigestPiece[]): string {
  const parts = pieces.map(({ start, end, digests }) => ({
    digest: Buffer.from(digests[algorithm] ?? '', 'hex'),
    sizeBytes: end - start,
  }));
  return combineCrc(algorithm, parts).toString('hex');
}
