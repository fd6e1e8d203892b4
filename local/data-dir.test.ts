import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bucketKeys, type DataDir, openDataDir } from './data-dir.ts';

let base: string;
let root: string;
let data: DataDir;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'entrepot-data-'));
  root = join(base, 'a', 'b');
  data = openDataDir(root);
});
afterEach(() => {
  data.close();
  rmSync(base, { recursive: true, force: true });
});

const modeOf = (path: string) => statSync(path).mode & 0o777;

it('is made with all folders above it, for its owner only', () => {
  expect(modeOf(root)).toBe(0o700);
  expect(data.root).toBe(root);
});

it('belongs to one at a time, and is free again once it is closed', () => {
  expect(() => openDataDir(root)).toThrow(`another Entrepot is running on ${root}`);
  data.close();
  data = openDataDir(root);
});

it('a lock file that cannot be one is told of as that', () => {
  const other = join(base, 'other');
  openDataDir(other).close();
  rmSync(join(other, 'lock.db'));
  writeFileSync(join(other, 'lock.db'), 'these are no pages of a database, however long one looks at them '.repeat(20));
  expect(() => openDataDir(other)).toThrow(`the directory ${other} cannot be locked`);
});

it('a secret is made once, for its owner only, and stays', () => {
  const token = data.secret('token');
  expect(token).toMatch(/^[\w-]{32}$/);
  expect(modeOf(data.path('token'))).toBe(0o600);
  data.close();
  data = openDataDir(root);
  expect(data.secret('token')).toBe(token);
  expect(data.secret('other')).not.toBe(token);
});

it('a secret that others can read is taken from them', () => {
  const token = data.secret('token');
  chmodSync(data.path('token'), 0o644);
  expect(data.secret('token')).toBe(token);
  expect(modeOf(data.path('token'))).toBe(0o600);
});

it('an empty secret is none', () => {
  writeFileSync(data.path('token'), '\n');
  expect(data.secret('token')).toMatch(/^[\w-]{32}$/);
});

it('writing replaces the file as a whole and leaves nothing beside it', () => {
  data.write('url', 'http://one\n');
  data.write('url', 'http://two\n');
  expect(readFileSync(data.path('url'), 'utf8')).toBe('http://two\n');
  expect(readdirSync(root).filter((name) => name.startsWith('url'))).toEqual(['url']);
});

it('keys of the bucket are those that were written, else new ones', () => {
  expect(bucketKeys(data)).not.toEqual(bucketKeys(data));
  const keys = bucketKeys(data);
  data.write('s3.json', JSON.stringify({ ...keys, region: 'local' }));
  expect(bucketKeys(data)).toEqual(keys);
});

it.each(['{"secretAccessKey": "tiger', '{"accessKeyId": 1, "secretAccessKey": "tiger"}', ''])(
  'a damaged file of keys (%#) is not replaced, and the error quotes nothing of it',
  (text) => {
    data.write('s3.json', text);
    expect(() => bucketKeys(data)).toThrow(
      new Error(`${data.path('s3.json')} is damaged: restore it, or remove it to have new keys made`),
    );
    expect(readFileSync(data.path('s3.json'), 'utf8')).toBe(text);
  },
);
