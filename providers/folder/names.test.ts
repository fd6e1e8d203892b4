import fc from 'fast-check';
import { expect, it } from 'vitest';
import { conflictName } from './names.ts';

const fileNames = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 255 })
  .filter((name) => Buffer.byteLength(name) <= 255 && !/[/\0]/.test(name));

it('names for conflicts have at most 255 bytes, are well-formed, and no two of a name are alike', () => {
  fc.assert(
    fc.property(fileNames, (name) => {
      const names = [1, 2, 3, 10, 999, 1000].map((n) => conflictName(name, n));
      for (const one of names) {
        expect(Buffer.byteLength(one)).toBeLessThanOrEqual(255);
        expect(one.isWellFormed()).toBe(true);
      }
      expect(new Set(names).size).toBe(names.length);
      expect(names[0]).toBe(name);
    }),
  );
});

it('a surrogate pair at the end of the stem is kept or dropped as a whole', () => {
  expect(conflictName(`${'n'.repeat(242)}🎬.mp4xyz`, 2)).toBe(`${'n'.repeat(242)} (2).mp4xyz`);
});
