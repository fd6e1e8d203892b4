import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { keyFile } from './key-file.ts';
import { seal, unseal } from './seal.ts';

async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'entrepot-key-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

it('makes a key of 32 bytes that only its owner can read, and gives the same one ever after', async () => {
  await using dir = await folder();
  const path = join(dir.path, 'data', 'key');
  const key = await keyFile(path);
  expect(key.bytes).toHaveLength(32);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await keyFile(path)).toEqual(key);
  expect(unseal(await keyFile(path), 'nas', seal(key, 'nas', 'secret'))).toBe('secret');
  expect(await readdir(join(dir.path, 'data'))).toEqual(['key']);
});

it('of many who make it at once all get the same key, and nothing else is left', async () => {
  await using dir = await folder();
  const keys = await Promise.all(Array.from({ length: 20 }, () => keyFile(join(dir.path, 'key'))));
  expect(new Set(keys.map(({ id }) => id)).size).toBe(1);
  expect(await readdir(dir.path)).toEqual(['key']);
});

it('two key files hold different keys', async () => {
  await using dir = await folder();
  expect((await keyFile(join(dir.path, 'a'))).id).not.toBe((await keyFile(join(dir.path, 'b'))).id);
});

it.each([0o644, 0o640, 0o666, 0o604])('a file of mode %o is taken from the others', async (mode) => {
  await using dir = await folder();
  const path = join(dir.path, 'key');
  const key = await keyFile(path);
  await chmod(path, mode);
  expect(await keyFile(path)).toEqual(key);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

it.each(['', 'short', 'A'.repeat(100)])(
  'a file that holds %j is vault.key_damaged, and is left as it is',
  async (text) => {
    await using dir = await folder();
    const path = join(dir.path, 'key');
    await writeFile(path, text, { mode: 0o600 });
    await expect(keyFile(path)).rejects.toMatchObject({ code: 'vault.key_damaged' });
    expect(await readFile(path, 'utf8')).toBe(text);
  },
);

it('a directory in its place is an error', async () => {
  await using dir = await folder();
  await mkdir(join(dir.path, 'key'));
  await expect(keyFile(join(dir.path, 'key'))).rejects.toThrow();
});
