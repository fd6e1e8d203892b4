/** A file that an earlier release wrote. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { openDatabase } from '#adapters/sqlite/open.ts';
import { migrationsAfter } from '#adapters/sqlite/schema.ts';
import { sqliteWorkTable } from '#adapters/sqlite/work-table.ts';
import { claimed, KEY, NOW, newRow } from '../work-table/rows.ts';

test('rows of version 1 are there as they were, and are on the list of what ended once they end', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'entrepot-older-'));
  const path = join(dir, 'entrepot.db');
  const old = new DatabaseSync(path);
  old.exec(migrationsAfter(0)[0] ?? '');
  const row = `'wait', 0, 0, 'staging', '{}', '{}', 0, 'o', '1#1', ${NOW}`;
  old.exec(`INSERT INTO work (pk, sk, queue, dueAt, hold, token, unclean, phase, state, answers, touched, ownerId, listKey,
    updatedAt) VALUES ('${KEY.pk}', '${KEY.sk}', 'dest#a', ${NOW}, ${row}), ('T#over', '@', NULL, NULL, ${row})`);
  old.exec('PRAGMA user_version = 1');
  old.close();
  const db = openDatabase(path);
  const table = sqliteWorkTable(db);
  const ended = () => table.ended('o', { after: { endedAt: 0, pk: '', sk: '' }, limit: 9 });
  expect(await table.get(KEY)).toMatchObject({ queue: 'dest#a', phase: 'staging' });
  expect(await ended()).toEqual([]);
  const { token } = await claimed(table, 'boot/1', NOW, KEY);
  await table.release(KEY, token, { to: 'ended' }, NOW + 1);
  expect(await ended()).toEqual([{ ...KEY, endedAt: NOW + 1 }]);
  expect(await table.create(newRow({ sk: 'new' }), NOW)).toBe('created');
  db.close();
  await rm(dir, { recursive: true });
});
