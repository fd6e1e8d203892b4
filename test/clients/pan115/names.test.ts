import { expect, test } from 'vitest';
import { nameAt115, numberedName } from '#clients/pan115/names.ts';

test('what 115 refuses is replaced by what looks the same', () => {
  expect(nameAt115('a "b" <c>.mkv')).toBe('a ＂b＂ ＜c＞.mkv');
  expect(nameAt115('电影 🎬 + & %.mkv')).toBe('电影 🎬 + & %.mkv');
});

test.each(['', '.', '..', 'a/b', 'a\nb', '电'.repeat(86), `${'"'.repeat(86)}`])('%j is refused', (name) => {
  expect(() => nameAt115(name)).toThrow(expect.objectContaining({ kind: 'rejected', code: 'pan115.name_refused' }));
});

test('255 bytes are taken', () => {
  expect(nameAt115('电'.repeat(85))).toHaveLength(85);
});

test('a number goes before the suffix, and the stem gives way', () => {
  expect(numberedName('film.mkv', 2)).toBe('film (2).mkv');
  expect(numberedName('.profile', 3)).toBe('.profile (3)');
  const long = numberedName(`${'🎬'.repeat(62)}.mkv`, 12);
  expect(Buffer.byteLength(long)).toBeLessThanOrEqual(255);
  expect(long).toMatch(/^(🎬)+ \(12\)\.mkv$/u);
  expect(() => numberedName(`a.${'b'.repeat(252)}`, 2)).toThrow('no room');
});
