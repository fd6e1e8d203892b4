import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { uploadIdFrom } from '#core/ids.ts';
import { DestinationId } from '#core/wire/ids.ts';
import { FileName, FolderPath } from '#core/wire/upload.ts';
import { arrivalOf } from '../arrivals.ts';
import { mintCapability, readCapability, type Scope } from './capability.ts';
import { type GuestFile, guestFileAt, guestKey } from './key.ts';

const uploadId = uploadIdFrom('a guest');
const file: GuestFile = {
  ownerId: 'local',
  uploadId,
  destinationId: 'folder',
  folder: '/影视/2025 (1)',
  name: '测 试+%20?.mp4',
};

test('the key of a guest’s file says all that is needed to deliver it', () => {
  expect(arrivalOf(guestKey(file))).toEqual({
    kind: 'file',
    destinationId: 'folder',
    folder: file.folder,
    name: file.name,
    guest: { ownerId: 'local', uploadId },
  });
});

test('every file that has a key is found by it, whoever owns it', () => {
  const names = fc.string({ unit: 'binary', maxLength: 40 }).filter((name) => FileName.safeParse(name).success);
  const folders = fc.array(names, { maxLength: 4 }).map((all) => FolderPath.parse(all.join('/')));
  const owners = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(owners, folders, names, (ownerId, folder, name) => {
      const one = { ...file, ownerId, folder, name };
      expect(guestFileAt(guestKey(one))).toEqual(one);
    }),
  );
});

test.each([
  'inbox/~guest/',
  'inbox/~guest/local',
  `inbox/~guest/local/${uploadId}/folder`,
  `inbox/~guest//${uploadId}/folder/a`,
  `inbox/~guest/local/upl_1/folder/a`,
  `inbox/~guest/local/${uploadId}/Folder/a`,
  `inbox/~guest/local/${uploadId}/folder/../a`,
  `inbox/~guest/a%2/${uploadId}/folder/a`,
  `inbox/~guest/a%61/${uploadId}/folder/a`,
  'inbox/~other/a',
])('%s is nobody’s', (key) => {
  expect(arrivalOf(key)).toMatchObject({ kind: 'ignored' });
  expect(guestFileAt(key)).toBeNull();
});

test('a path that leaves no room in the key is refused', () => {
  const folder = FolderPath.parse('f'.repeat(250).concat('/').repeat(3));
  expect(guestKey({ ...file, folder, name: 'n'.repeat(150) })).toHaveLength(960);
  expect(() => guestKey({ ...file, folder, name: 'n'.repeat(255) })).toThrow('too long');
});

describe('a capability', () => {
  const secret = 'a secret of some length';
  const scope: Scope = { ownerId: 'local', destinationId: DestinationId.parse('folder'), folder: '/a/影' };
  const token = mintCapability(secret, scope, 1_000);

  test('is good until its time, and fits into a path', () => {
    expect(token).toMatch(/^[\w-]+\.[\w-]+$/);
    expect(readCapability(secret, token, 999)).toEqual(scope);
    expect(readCapability(secret, token, 1_000)).toBeNull();
  });

  test.each([
    ['another secret', (text: string) => [text, 'another secret of some length'] as const],
    ['another claim', (text: string) => [`e30${text.slice(text.indexOf('.'))}`, secret] as const],
    ['a cut signature', (text: string) => [text.slice(0, -3), secret] as const],
    ['more behind it', (text: string) => [`${text}.x`, secret] as const],
    ['nothing', () => ['', secret] as const],
  ])('is not good with %s', (_, change) => {
    const [text, key] = change(token);
    expect(readCapability(key, text, 0)).toBeNull();
  });
});
