import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hasherOf } from '#clients/clouddrive2/hashing.ts';
import { blockDigests, digestOf } from '../../fakes/clouddrive2/digests.ts';

const MIB = 1024 * 1024;

describe('the hashes that CloudDrive2 asks for', () => {
  it.each([0, 1, 256 * 1024, 256 * 1024 + 1, 3 * MIB + 17])('of %i bytes are the same by two ways', (sizeBytes) => {
    const content = randomBytes(sizeBytes);
    expect(digested('md5', content).value).toBe(digestOf(1, content));
    expect(digested('sha1', content).value).toBe(digestOf(2, content));
    expect(digested('pikpak-sha1', content).value).toBe(digestOf(3, content));
    expect(digested('md5', content, 100_000)).toEqual({
      value: digestOf(1, content),
      blocks: blockDigests(content, 100_000),
    });
  });

  it('of nothing are the known ones, and there are no blocks', () => {
    const nothing = Buffer.alloc(0);
    expect(digested('md5', nothing, 5)).toEqual({ value: 'd41d8cd98f00b204e9800998ecf8427e', blocks: [] });
    expect(digested('pikpak-sha1', nothing).value).toBe('DA39A3EE5E6B4B0D3255BFEF95601890AFD80709');
  });

  it.each([
    [128 * MIB, MIB / 4],
    [128 * MIB + 1, MIB / 2],
    [256 * MIB + 1, MIB],
    [512 * MIB, MIB],
    [512 * MIB + 1, 2 * MIB],
  ])('of %i bytes by PikPak are cut at %i', (sizeBytes, segmentBytes) => {
    const hasher = hasherOf('pikpak-sha1', sizeBytes);
    const begin = Buffer.alloc(2 * MIB, 7);
    hasher.update(begin);
    const outer = createHash('sha1');
    for (let at = 0; at < begin.length; at += segmentBytes) {
      outer.update(
        createHash('sha1')
          .update(begin.subarray(at, at + segmentBytes))
          .digest(),
      );
    }
    expect(hasher.digest().value).toBe(outer.digest('hex').toUpperCase());
  });
});

function digested(kind: 'md5' | 'sha1' | 'pikpak-sha1', content: Buffer, blockBytes?: number) {
  const hasher = hasherOf(kind, content.length, blockBytes);
  for (let at = 0; at < content.length; at += 70_001) hasher.update(content.subarray(at, at + 70_001));
  return hasher.digest();
}
