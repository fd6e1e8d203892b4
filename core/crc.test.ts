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

  it('of what is followed by more zeros than 32 bits count is the same in one piece and in two', async () => {
    const first = { digest: await crcOf(algorithm, CONTENT), sizeBytes: CONTENT.byteLength };
    const nothing = Buffer.alloc(first.digest.byteLength);
    const zeros = (sizeBytes: number) => ({ digest: nothing, sizeBytes });
    const [large, larger] = [3 * 2 ** 40 + 7, 2 ** 32 + 1];
    const whole = combineCrc(algorithm, [first, zeros(large + larger)]);
    expect(combineCrc(algorithm, [first, zeros(large), zeros(larger)])).toEqual(whole);
    expect(whole).not.toEqual(combineCrc(algorithm, [first, zeros(large)]));
  });

  it('of as many parts as an upload may have is that of the whole', async () => {
    const part = CONTENT.subarray(0, 251);
    const digest = await crcOf(algorithm, part);
    const pieces = Array.from({ length: 10_000 }, () => ({ digest, sizeBytes: part.byteLength }));
    const whole = Buffer.concat(Array.from({ length: 10_000 }, () => part));
    expect(combineCrc(algorithm, pieces)).toEqual(await crcOf(algorithm, whole));
  });
});

async function crcOf(algorithm: CrcAlgorithm, bytes: Uint8Array): Promise<Buffer> {
  const hasher = await NEW[algorithm]();
  return Buffer.from(hasher.init().update(bytes).digest('binary'));
}
