/** Computes the hashes that the server asks for, from bytes in order, in memory that does not grow with the file but by its blocks. */
import { createHash } from 'node:crypto';
import type { HashKind } from './hashes.ts';

export interface Digest {
  readonly value: string;
  /** MD5 of each block, when blocks were asked for. */
  readonly blocks: readonly string[];
}

export interface Hasher {
  update(bytes: Uint8Array): void;
  /** Once, after the last byte. */
  digest(): Digest;
}

const MIB = 1024 * 1024;

/** `blockBytes` counts for MD5 only. */
export function hasherOf(kind: HashKind, sizeBytes: number, blockBytes = 0): Hasher {
  if (kind === 'md5' && blockBytes > 0) return blockHasher(blockBytes);
  if (kind === 'pikpak-sha1') return pikPakHasher(sizeBytes);
  const hash = createHash(kind);
  return { update: (bytes) => void hash.update(bytes), digest: () => ({ value: hash.digest('hex'), blocks: [] }) };
}

function blockHasher(blockBytes: number): Hasher {
  const whole = createHash('md5');
  const blocks: string[] = [];
  const cutter = inSegments('md5', blockBytes, (segment) => blocks.push(segment.toString('hex')));
  return {
    update: (bytes) => {
      whole.update(bytes);
      cutter.update(bytes);
    },
    digest: () => {
      cutter.end();
      return { value: whole.digest('hex'), blocks };
    },
  };
}

function pikPakHasher(sizeBytes: number): Hasher {
  const outer = createHash('sha1');
  const cutter = inSegments('sha1', pikPakSegmentBytes(sizeBytes), (segment) => outer.update(segment));
  return {
    update: cutter.update,
    digest: () => {
      cutter.end();
      return { value: outer.digest('hex').toUpperCase(), blocks: [] };
    },
  };
}

function pikPakSegmentBytes(sizeBytes: number): number {
  if (sizeBytes <= 128 * MIB) return MIB / 4;
  if (sizeBytes <= 256 * MIB) return MIB / 2;
  return sizeBytes <= 512 * MIB ? MIB : 2 * MIB;
}

/** Tells the digest of each run of `segmentBytes`; the last may be short. */
function inSegments(
  algorithm: 'md5' | 'sha1',
  segmentBytes: number,
  tell: (digest: Buffer) => void,
): { update(bytes: Uint8Array): void; end(): void } {
  let hash = createHash(algorithm);
  let filledBytes = 0;
  const end = () => {
    if (filledBytes > 0) tell(hash.digest());
    hash = createHash(algorithm);
    filledBytes = 0;
  };
  return {
    update: (bytes) => {
      for (let at = 0; at < bytes.length; ) {
        const part = bytes.subarray(at, at + segmentBytes - filledBytes);
        hash.update(part);
        filledBytes += part.length;
        at += part.length;
        if (filledBytes === segmentBytes) end();
      }
    },
    end,
  };
}
