import { createCRC32, createCRC64 } from 'hash-wasm';
import { describe, expect, it } from 'vitest';
import { type CrcAlgorithm, combineCrc } from './crc.ts';

const NEW = {
  crc32: () => createCRC32(),
  crc32c: () => createCRC32(0x82f63b78),
  crc64: () => createCRC64(),
  crc64nvme: () => createCRC64('9a6c9329ac4bc9b5'),
} satisfies Record<CrcAlgorithm, unknown>;

const CONTENT = Uint8Array.from({ length: 10_000 }, (_, n) => (n * n) % 251);

describe.each(Object.keys(NEW) as CrcAlgorithm[])('combined %s', (algorithm) => {
  it.each([[[10_000]], [[1, 9_999]], [[4_096, 4_096, 1_808]], [[0, 10_000, 0]], [[]]])(
    'of pieces of %j bytes is that of the whole',
    async (sizes) => {
      let at = 0;
      const pieces = [];
      for (const sizeBytes of sizes) {
        pieces.push({ digest: await crcOf(algorithm, CONTENT.subarray(at, at + sizeBytes)), sizeBytes });
        at += sizeBytes;
      }
      expect(combineCrc(algorithm, pieces)).toEqual(await crcOf(algorithm, CONTENT.subarray(0, at)));
    },
  );
});

async function crcOf(algorithm: CrcAlgorithm, bytes: Uint8Array): Promise<Buffer> {
  const hasher = await NEW[algorithm]();
  return Buffer.from(hasher.init().update(bytes).digest('binary'));
}
