import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { uploadIdFrom } from '#core/ids.ts';
import { chunkKey } from '#core/wire/keys.ts';
import { FileName, FolderPath } from '#core/wire/upload.ts';
import { arrivalOf } from './arrivals.ts';

const uploadId = uploadIdFrom('one');

test.each([
  ['inbox/rig/film.mp4', { kind: 'file', destinationId: 'rig', folder: '/', name: 'film.mp4' }],
  ['inbox/rig/影视/2025/测试.mp4', { kind: 'file', destinationId: 'rig', folder: '/影视/2025', name: '测试.mp4' }],
  ['inbox/rig//a//b', { kind: 'file', destinationId: 'rig', folder: '/a', name: 'b' }],
  ['inbox/rig/folder/', { kind: 'ignored', because: 'folder_marker' }],
  ['inbox/rig', { kind: 'ignored', because: 'bad_name' }],
  ['inbox/', { kind: 'ignored', because: 'bad_name' }],
  ['inbox/Rig/film.mp4', { kind: 'ignored', because: 'bad_name' }],
  ['inbox/rig/../secret', { kind: 'ignored', because: 'bad_name' }],
  ['inbox/rig/a/..', { kind: 'ignored', because: 'bad_name' }],
  [`inbox/rig/${'n'.repeat(256)}`, { kind: 'ignored', because: 'bad_name' }],
  ['staging/upl_1/00001', { kind: 'ignored', because: 'not_ours' }],
  [`staging/${uploadId}/1`, { kind: 'ignored', because: 'not_ours' }],
  [`staging/${uploadId}/00001/x`, { kind: 'ignored', because: 'not_ours' }],
  ['elsewhere/film.mp4', { kind: 'ignored', because: 'not_ours' }],
  ['', { kind: 'ignored', because: 'not_ours' }],
])('%j is what it looks like', (key, arrival) => {
  expect(arrivalOf(key)).toEqual(arrival);
});

test('every chunk is found by its key', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), (number) => {
      expect(arrivalOf(chunkKey(uploadId, number))).toEqual({ kind: 'chunk', uploadId, number });
    }),
  );
});

test('whatever the key, a file that is taken has a name and a folder that every destination can hold', () => {
  const words = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('..', '.', '', '\u0000', 'a', 'rig'));
  const keys = fc.array(words, { maxLength: 5 }).map((parts) => `inbox/rig/${parts.join('/')}`);
  fc.assert(
    fc.property(keys, (key) => {
      const arrival = arrivalOf(key);
      if (arrival.kind !== 'file') return;
      expect(FileName.parse(arrival.name)).toBe(arrival.name);
      expect(FolderPath.parse(arrival.folder)).toBe(arrival.folder);
      expect(key.endsWith(arrival.name)).toBe(true);
    }),
  );
});

describe('a folder', () => {
  test('has one slash before each of its names and none behind', () => {
    expect(FolderPath.parse('影视/2025/')).toBe('/影视/2025');
    expect(FolderPath.parse('///')).toBe('/');
    expect(FolderPath.parse('')).toBe('/');
  });

  test.each(['/a/../b', '/./a', '/a\u0007', '/\ud800', `/${'é'.repeat(512)}x`])('is not %j', (path) => {
    expect(FolderPath.safeParse(path).success).toBe(false);
  });
});

describe('a file name', () => {
  test.each(['a', '测试 (1).mp4', '😀', '.hidden', '..a', 'é'.repeat(127)])('may be %j', (name) => {
    expect(FileName.parse(name)).toBe(name);
  });

  test.each(['', '.', '..', 'a/b', 'a\nb', '\u007f', '\udc00', 'é'.repeat(128)])('is not %j', (name) => {
    expect(FileName.safeParse(name).success).toBe(false);
  });
});
