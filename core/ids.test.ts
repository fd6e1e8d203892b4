import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newUploadId, transferIdFrom, uploadIdFrom } from './ids.ts';

const clock = (atMs: number) => ({ now: () => atMs, random: () => 0.5, sleep: async () => {} });

test('what has the same parts has the same id, and other parts have another', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { maxLength: 4 }), fc.array(fc.string(), { maxLength: 4 }), (one, other) => {
      expect(uploadIdFrom(...one)).toBe(uploadIdFrom(...one));
      expect(uploadIdFrom(...one) === uploadIdFrom(...other)).toBe(JSON.stringify(one) === JSON.stringify(other));
    }),
  );
});

test('parts that only look alike when they are joined make different ids', () => {
  expect(uploadIdFrom('a', 'bc')).not.toBe(uploadIdFrom('ab', 'c'));
});

test('every transfer of an upload has an id of its own', () => {
  const upload = uploadIdFrom('one');
  const ids = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => transferIdFrom(upload, index));
  expect(new Set(ids).size).toBe(8);
});

test('new ids sort by their time', () => {
  const times = [1_000, 1_001, 2_000, 1_700_000_000_000];
  const ids = times.map((atMs) => newUploadId(clock(atMs)));
  expect([...ids].sort()).toEqual(ids);
});
