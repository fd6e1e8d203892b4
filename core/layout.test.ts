import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chunkLayout, chunkSize, chunksUnder } from './layout.ts';
import { MAX_CHUNKS } from './wire/keys.ts';
import { CreateUpload } from './wire/upload.ts';

const MEBIBYTE = 1024 * 1024;
const MAX_SIZE_BYTES = 53_687_091_200_000;

test.each([
  [0, 0],
  [1, 1],
  [10 * MEBIBYTE, 1],
  [10 * MEBIBYTE + 1, 2],
  [25 * MEBIBYTE, 3],
])('a file of %i bytes has %i chunks of ten MiB', (sizeBytes, count) => {
  expect(chunkLayout(sizeBytes)).toEqual({ kind: 'chunks', chunkBytes: 10 * MEBIBYTE, count });
});

test('chunks are whole MiB, fit their numbers, and make up the file, up to the largest one that may be announced', () => {
  const sizes = fc.oneof(fc.integer({ min: 1, max: 1_000 * MEBIBYTE }), fc.integer({ min: 1, max: MAX_SIZE_BYTES }));
  fc.assert(
    fc.property(sizes, (sizeBytes) => {
      const layout = chunkLayout(sizeBytes);
      expect(layout.chunkBytes % MEBIBYTE).toBe(0);
      expect(layout.count).toBeLessThanOrEqual(MAX_CHUNKS);
      const last = chunkSize(layout, sizeBytes, layout.count);
      expect(last).toBeGreaterThan(0);
      expect((layout.count - 1) * layout.chunkBytes + last).toBe(sizeBytes);
    }),
  );
  const request = { name: 'a', destinations: [{ id: 'a' }] };
  expect(CreateUpload.safeParse({ ...request, sizeBytes: MAX_SIZE_BYTES }).success).toBe(true);
  expect(CreateUpload.safeParse({ ...request, sizeBytes: MAX_SIZE_BYTES + 1 }).success).toBe(false);
});

test('the chunks under a range are those that hold its first byte to its last', () => {
  const layout = { kind: 'chunks' as const, chunkBytes: 10, count: 4 };
  expect(chunksUnder(layout, { start: 0, end: 1 })).toEqual({ from: 1, to: 1 });
  expect(chunksUnder(layout, { start: 9, end: 10 })).toEqual({ from: 1, to: 1 });
  expect(chunksUnder(layout, { start: 9, end: 11 })).toEqual({ from: 1, to: 2 });
  expect(chunksUnder(layout, { start: 10, end: 37 })).toEqual({ from: 2, to: 4 });
  expect(chunksUnder(layout, { start: 10, end: 10 })).toBeNull();
});
