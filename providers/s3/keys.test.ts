import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Fault } from '#core/fault.ts';
import { keyOf } from './keys.ts';
import { S3Settings } from './settings.ts';

it.each([
  ['', '/', 'a.mp4', 1, 'a.mp4'],
  ['', '/影视/2025', 'a.mp4', 1, '影视/2025/a.mp4'],
  ['films/', '/', 'a.mp4', 1, 'films/a.mp4'],
  ['films/', '/x', 'a.tar.gz', 2, 'films/x/a.tar (2).gz'],
  ['', '/..', '..', 1, '../..'],
  ['', '/', '.hidden', 3, '.hidden (3)'],
])('prefix %j, folder %j, name %j, try %d: %j', (prefix, folder, name, n, key) => {
  expect(keyOf(prefix, { folder, name }, n)).toBe(key);
});

it('names for conflicts fit a key, are well-formed, and no two of a name are alike', () => {
  const names = fc.string({ unit: 'binary', minLength: 1, maxLength: 400 }).filter((name) => !name.includes('/'));
  fc.assert(
    fc.property(names, fc.integer({ min: 1, max: 900 }), (name, folderBytes) => {
      const folder = `/${'f'.repeat(folderBytes)}`;
      const keys = [2, 3, 10, 99].map((n) => keyOf('', { folder, name }, n));
      expect(new Set(keys).size).toBe(keys.length);
      for (const key of keys) {
        expect(Buffer.byteLength(key)).toBeLessThanOrEqual(1024);
        expect(key.isWellFormed()).toBe(true);
      }
    }),
  );
});

it('a key of more than 1024 bytes is refused', () => {
  expect(() => keyOf('', { folder: '/', name: '影'.repeat(342) }, 1)).toThrow(Fault);
});

it.each([
  ['a/b', 'a/b/'],
  ['/a/b/', 'a/b/'],
  ['/', ''],
  ['', ''],
])('the prefix %j is the folder %j, and stays so when it is parsed again', (given, prefix) => {
  const settings = S3Settings.parse({ region: 'r', bucket: 'bucket', prefix: given });
  expect(settings.prefix).toBe(prefix);
  expect(S3Settings.parse(settings)).toEqual(settings);
});

it.each(['http://user@host', 'http://host?x=1', 'ftp://host', 'host:9000'])('%j is no endpoint', (endpoint) => {
  expect(S3Settings.safeParse({ region: 'r', bucket: 'bucket', endpoint }).success).toBe(false);
});
