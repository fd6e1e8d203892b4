import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { sqliteCells } from '#adapters/sqlite/cells.ts';
import { openDatabase } from '#adapters/sqlite/open.ts';
import { SQL } from '#adapters/sqlite/statements.ts';
import { sqliteWorkTable } from '#adapters/sqlite/work-table.ts';
import { cellsContract } from './cells.contract.ts';
import { temporaryFolder } from './sqlite/folder.ts';
import type { Made } from './suite.ts';
import { by, claimed, KEY, LEASE_MS, NOW, newRow } from './work-table/rows.ts';
import { workTableContract } from './work-table.contract.ts';

workTableContract({ name: 'sqlite', make: () => onDisk(sqliteWorkTable) });

cellsContract({ name: 'sqlite', make: () => onDisk(sqliteCells) });

describe('sqlite database', () => {
  it('rows, cells, leases and lists are there after it was closed and opened again', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'deep', 'state.db');
    const first = openDatabase(path);
    await sqliteWorkTable(first).create(newRow({ owner: { id: 'o', sort: '1' } }), NOW);
    const { row } = await claimed(sqliteWorkTable(first));
    await sqliteCells(first).swap(KEY, 0, 'value');
    first.close();
    const second = openDatabase(path);
    expect(await sqliteWorkTable(second).get(KEY)).toEqual(row);
    expect(await sqliteWorkTable(second).owned('o', { limit: 1 })).toHaveLength(1);
    expect(await sqliteCells(second).read(KEY)).toMatchObject({ v: 1, value: 'value' });
    second.close();
  });

  it('its file is readable for its owner only, and written with full synchronisation', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'state.db');
    const db = openDatabase(path);
    sqliteCells(db);
    db.exec('CREATE TABLE log (n)');
    for (const name of [path, `${path}-wal`]) expect((await stat(name)).mode & 0o777).toBe(0o600);
    expect(db.prepare('PRAGMA journal_mode').get()).toMatchObject({ journal_mode: 'wal' });
    expect(db.prepare('PRAGMA synchronous').get()).toMatchObject({ synchronous: 2 });
    db.close();
  });

  it('a file of a later release is refused with state.too_new and left as it is', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'state.db');
    const db = openDatabase(path);
    db.exec('PRAGMA user_version = 99');
    db.close();
    expect(() => openDatabase(path)).toThrow(expect.objectContaining({ code: 'state.too_new', kind: 'rejected' }));
  });

  it('two connections race for one row and one wins', async () => {
    await using folder = await temporaryFolder();
    const dbs = [1, 2].map(() => openDatabase(join(folder.path, 'state.db')));
    const tables = dbs.map(sqliteWorkTable);
    await tables[0]?.create(newRow(), NOW);
    const claims = await Promise.all(tables.map((table, n) => table.claim(KEY, by(`boot/${n}`))));
    expect(claims.filter((claim) => claim !== null)).toHaveLength(1);
    for (const db of dbs) db.close();
  });

  it('lists and purge read an index in its order, and never the whole table', async () => {
    await using folder = await temporaryFolder();
    const db = openDatabase(join(folder.path, 'state.db'));
    for (const name of ['due', 'owned', 'ownedAfter', 'purge', 'query', 'claim'] as const) {
      const plan = JSON.stringify(db.prepare(`EXPLAIN QUERY PLAN ${SQL[name]}`).all());
      expect([name, plan.match(/SCAN|TEMP B-TREE/)]).toEqual([name, null]);
    }
    db.close();
  });
});

describe('sqlite after a crash', () => {
  it('leases of another boot run out at once, and their next claim is unclean; those of this boot go on', async () => {
    await using folder = await temporaryFolder();
    const db = openDatabase(join(folder.path, 'state.db'));
    const table = sqliteWorkTable(db);
    for (const [sk, holder] of [
      ['old', 'a/1'],
      ['like', 'bb/1'],
      ['own', 'b/1'],
      ['waiting', 'a/2'],
    ] as const) {
      await table.create(newRow({ sk }), NOW);
      const { token } = await claimed(table, holder, NOW, { ...KEY, sk });
      if (sk === 'waiting') await table.release({ ...KEY, sk }, token, { to: 'rest', dueAt: NOW + LEASE_MS }, NOW);
    }
    expect(table.freeOtherBoots('b', NOW + 1)).toBe(2);
    expect(table.freeOtherBoots('b', NOW + 1)).toBe(0);
    expect((await table.due('dest#a', NOW + 1, 10)).map(({ sk }) => sk)).toEqual(['like', 'old']);
    expect(await table.claim({ ...KEY, sk: 'old' }, by('b/2', NOW + 1))).toMatchObject({ unclean: true, token: 2 });
    expect(await table.claim({ ...KEY, sk: 'own' }, by('b/2', NOW + 1))).toBeNull();
    expect(await table.claim({ ...KEY, sk: 'waiting' }, by('b/2', NOW + 1))).toBeNull();
    db.close();
  });

  it('no commit that was answered is lost to kill -9, and the file stays sound', { timeout: 60_000 }, async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'state.db');
    for (let round = 0; round < 3; round++) {
      const answered = await killAfter(path, 150 + 50 * round);
      const db = openDatabase(path);
      const table = sqliteWorkTable(db);
      const state = Number((await table.get(KEY))?.state);
      const cell = Number((await sqliteCells(db).read(KEY))?.value);
      expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
      expect(state).toBeGreaterThanOrEqual(answered);
      expect(cell).toBeGreaterThanOrEqual(answered);
      expect(state - cell).toBeOneOf([0, 1]);
      expect(table.freeOtherBoots('next', Date.now())).toBe(1);
      db.close();
    }
  });
});

const Count = z.coerce.number().int();

/** Runs the committer until it has answered so many commits, kills it, and says what it answered last. */
async function killAfter(path: string, commits: number): Promise<number> {
  const script = join(import.meta.dirname, 'sqlite', 'committer.ts');
  const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  let answered = 0;
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    answered = Count.parse(line);
    if (++lines === commits) child.kill('SIGKILL');
  }
  const [, signal] = await closed;
  expect(signal).toBe('SIGKILL');
  return answered;
}

async function onDisk<Subject>(adapter: (db: DatabaseSync) => Subject): Promise<Made<Subject>> {
  const folder = await temporaryFolder();
  const db = openDatabase(join(folder.path, 'state.db'));
  const cleanup = async () => {
    db.close();
    await folder[Symbol.asyncDispose]();
  };
  return { subject: adapter(db), cleanup };
}
