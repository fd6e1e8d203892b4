import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Database, openDatabase } from '#adapters/bucket/database.ts';

let folder: string;
let db: Database;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'entrepot-bucket-'));
  db = openDatabase(join(folder, 'index.db'));
});

afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

const add = (name: string) => db.transaction(() => db.run('INSERT INTO buckets VALUES (?, 0)', name));
const names = () => db.all('SELECT name FROM buckets ORDER BY name').map(({ name }) => name);

test('the transactions of one turn are made durable by one commit', async () => {
  const before = commits();
  for (const name of ['a', 'b', 'c']) add(name);
  await db.durable();
  expect(names()).toEqual(['a', 'b', 'c']);
  expect(commits() - before).toBe(1);
});

test('one that throws is taken back alone', async () => {
  add('a');
  expect(() =>
    db.transaction(() => {
      add('lost');
      throw new Error('refused');
    }),
  ).toThrow('refused');
  add('b');
  await db.durable();
  expect(names()).toEqual(['a', 'b']);
});

test('when the commit fails everybody of the turn is told, nothing of it stays, and the next turn is as any other', async () => {
  db.run('PRAGMA foreign_keys = ON');
  db.run('CREATE TABLE above (id INTEGER PRIMARY KEY)');
  db.run('CREATE TABLE below (id INTEGER REFERENCES above DEFERRABLE INITIALLY DEFERRED)');
  add('lost');
  db.run('INSERT INTO below VALUES (1)');
  await expect(db.durable()).rejects.toThrow('FOREIGN KEY');
  expect(names()).toEqual([]);
  add('a');
  await db.durable();
  expect(names()).toEqual(['a']);
});

test('closing makes durable what was done in the same turn', () => {
  add('a');
  db.close();
  db = openDatabase(join(folder, 'index.db'));
  expect(names()).toEqual(['a']);
});

/** Commits in the write-ahead log: the last frame of each says how many pages the file then has. */
function commits(): number {
  const log = readFileSync(join(folder, 'index.db-wal'));
  const pageBytes = log.readUInt32BE(8);
  let count = 0;
  for (let at = 32; at < log.length; at += 24 + pageBytes) if (log.readUInt32BE(at + 4) > 0) count++;
  return count;
}
