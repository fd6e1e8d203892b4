/** The table and cells of one machine, whose writes share their syncs: the same laws, and those of the sharing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { type GroupedState, groupedState } from '#adapters/sqlite/grouped.ts';
import { openDatabase } from '#adapters/sqlite/open.ts';
import { sqliteWorkTable } from '#adapters/sqlite/work-table.ts';
import { cellsContract } from './cells.contract.ts';
import { temporaryFolder } from './sqlite/folder.ts';
import type { Made } from './suite.ts';
import { KEY, NOW, newRow } from './work-table/rows.ts';
import { workTableContract } from './work-table.contract.ts';

workTableContract({ name: 'sqlite, grouped', make: () => onDisk(({ table }) => table) });

cellsContract({ name: 'sqlite, grouped', make: () => onDisk(({ cells }) => cells) });

const sub = (name: number | string) => ({ ...KEY, sk: String(name) });

describe('writes that share a sync', () => {
  it('a write that has not been answered is seen by nobody, and one that has is seen by everybody', async () => {
    await using home = await grouped();
    const writing = home.state.table.create(newRow(), NOW);
    expect(await home.state.table.get(KEY)).toBeNull();
    expect(await home.state.table.due('dest#a', NOW, 10)).toEqual([]);
    await writing;
    expect(await home.state.table.get(KEY)).not.toBeNull();
    expect(home.other.prepare('SELECT count(*) AS n FROM work').get()).toEqual({ n: 1 });
  });

  it('those of one turn are decided one after the other and made durable by one commit', async () => {
    await using home = await grouped();
    await home.state.table.create(newRow(), NOW);
    const before = home.commits();
    const { table, cells } = home.state;
    const claims = Array.from({ length: 5 }, (_, n) =>
      table.claim(KEY, { holder: `boot/${n}`, now: NOW, until: NOW + 60_000 }),
    );
    const swaps = [cells.swap(KEY, 0, 'first'), cells.swap(KEY, 0, 'second')];
    expect((await Promise.all(claims)).filter((claim) => claim !== null)).toHaveLength(1);
    expect(await Promise.all(swaps)).toEqual([true, false]);
    expect(home.commits() - before).toBe(1);
  });

  it('when the commit fails every writer of the turn is told, nothing of it stays, and the next turn is as any other', async () => {
    await using home = await grouped();
    home.writing.exec(`PRAGMA foreign_keys = ON; CREATE TABLE above (id INTEGER PRIMARY KEY);
      CREATE TABLE below (id INTEGER REFERENCES above DEFERRABLE INITIALLY DEFERRED)`);
    const { table } = home.state;
    const writes = [table.create(newRow(sub(1)), NOW), table.create(newRow(sub(2)), NOW)];
    home.writing.exec('INSERT INTO below VALUES (1)');
    const told = await Promise.allSettled(writes);
    expect(told.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await table.get(sub(1))).toBeNull();
    expect(await table.create(newRow(sub(1)), NOW)).toBe('created');
  });

  it('a write that cannot be made fails alone', async () => {
    await using home = await grouped();
    const { table } = home.state;
    const circle: { self?: unknown } = {};
    circle.self = circle;
    const [bad, good] = await Promise.allSettled([
      table.create({ ...newRow(sub(1)), state: circle }, NOW),
      table.create(newRow(sub(2)), NOW),
    ]);
    expect([bad?.status, good?.status]).toEqual(['rejected', 'fulfilled']);
    expect(await table.get(sub(2))).not.toBeNull();
  });

  it('settled waits for the sync under way, so that the file may be closed', async () => {
    await using home = await grouped();
    const writing = home.state.table.create(newRow(), NOW);
    await home.state.settled();
    expect(await home.state.table.get(KEY)).not.toBeNull();
    await writing;
  });

  it('no commit that was answered is lost to kill -9', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'state.db');
    const script = join(import.meta.dirname, 'sqlite', 'grouped', 'committer.ts');
    const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const closed = once(child, 'close');
    const answered = new Map<string, number>();
    let lines = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const [flow = '', count] = line.split(' ');
      answered.set(flow, Number(count));
      if (++lines === 400) child.kill('SIGKILL');
    }
    expect(await closed).toEqual([null, 'SIGKILL']);
    const db = openDatabase(path);
    const rows = await sqliteWorkTable(db).query(KEY.pk, '');
    for (const [flow, count] of answered) {
      expect(Number(rows.find(({ sk }) => sk === flow)?.state)).toBeGreaterThanOrEqual(count);
    }
    expect(answered.size).toBeGreaterThan(1);
    db.close();
  });
});

interface Home extends AsyncDisposable {
  readonly state: GroupedState;
  readonly writing: DatabaseSync;
  /** A connection of somebody else. */
  readonly other: DatabaseSync;
  /** Commits in the write-ahead log. */
  commits(): number;
}

async function grouped(): Promise<Home> {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'state.db');
  const [writing, reading] = [openDatabase(path), openDatabase(path)];
  const state = groupedState(writing, reading);
  const other = new DatabaseSync(path);
  return {
    state,
    writing,
    other,
    commits: () => commitsIn(readFileSync(`${path}-wal`)),
    [Symbol.asyncDispose]: async () => {
      await state.settled();
      for (const db of [other, reading, writing]) db.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function onDisk<Subject>(of: (state: GroupedState) => Subject): Promise<Made<Subject>> {
  const home = await grouped();
  return { subject: of(home.state), cleanup: async () => home[Symbol.asyncDispose]() };
}

/** The last frame of a commit says how many pages the file then has; others say 0. */
function commitsIn(log: Buffer): number {
  const pageBytes = log.readUInt32BE(8);
  let count = 0;
  for (let at = 32; at < log.length; at += 24 + pageBytes) if (log.readUInt32BE(at + 4) > 0) count++;
  return count;
}
