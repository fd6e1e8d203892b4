/** The work table on this disk, beside what SQLite and the disk give at best. */
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openDatabase } from '#adapters/sqlite/open.ts';
import { sqliteWorkTable } from '#adapters/sqlite/work-table.ts';
import { median } from './measure.ts';
import { type Bench, ratio } from './report.ts';
import { inScratch, settleDisk } from './scratch.ts';

/** Durable writes, one after the other, for about `ms`; answers how many there were. */
type Load = (ms: number) => Promise<number>;

const ROWS = 1_000;
/** A stripe's row half way through a block. */
const STATE = { v: 1, have: Object.fromEntries(Array.from({ length: 16 }, (_, i) => [String(i), 'e'.repeat(32)])) };
const STATE_JSON = JSON.stringify(STATE);

export const claims: Bench = {
  name: 'claims',
  about: 'durable writes per second of the work table on SQLite, one after the other',
  async run(size) {
    const { rounds, roundMs } = size === 'full' ? { rounds: 7, roundMs: 2_000 } : { rounds: 2, roundMs: 300 };
    return inScratch(async (directory) => {
      const table = await workTableLoads(directory);
      const bare = bareLoad(directory);
      const loads: Readonly<Record<string, Load>> = {
        'claim + commit': table.pairs,
        'claim + commit + release': table.leases,
        'bare UPDATE … WHERE': bare.load,
        '4 KiB append + fdatasync': (ms) => appendLoad(directory, ms),
      };
      await settleDisk();
      const rates = await alternated(loads, rounds, roundMs);
      table.close();
      bare.close();
      const rateOf = (name: string) => rates.get(name) ?? Number.NaN;
      const best = rateOf('bare UPDATE … WHERE');
      return {
        tables: [
          {
            columns: ['what', 'writes/s', '÷ bare UPDATE', 'rounds of it per s'],
            rows: [
              [
                'claim + commit',
                rateOf('claim + commit'),
                ratio(rateOf('claim + commit'), best),
                rateOf('claim + commit') / 2,
              ],
              [
                'claim + commit + release',
                rateOf('claim + commit + release'),
                ratio(rateOf('claim + commit + release'), best),
                rateOf('claim + commit + release') / 3,
              ],
              ['bare UPDATE … WHERE', best, ratio(1, 1), best],
              [
                '4 KiB append + fdatasync',
                rateOf('4 KiB append + fdatasync'),
                ratio(rateOf('4 KiB append + fdatasync'), best),
                '',
              ],
            ],
          },
        ],
        targets: [],
        figures: Object.fromEntries([...rates].map(([name, rate]) => [`${name} writes/s`, Math.round(rate)])),
        notes: [
          `median of ${rounds} alternating rounds of ${roundMs} ms; ${ROWS} rows with a state of ${STATE_JSON.length} bytes; WAL, synchronous=FULL`,
          'the append is what the disk allows a program that makes one small write durable at a time',
        ],
      };
    });
  },
};

async function workTableLoads(directory: string) {
  const database = openDatabase(join(directory, 'work.db'));
  const table = sqliteWorkTable(database);
  const keys = Array.from({ length: ROWS }, (_, i) => ({ pk: `T#trf_${String(i).padStart(26, '0')}`, sk: 'S#1#0' }));
  database.exec('BEGIN');
  for (const key of keys) await table.create({ ...key, queue: 'dest#x', dueAt: 0, phase: 'moving', state: STATE }, 0);
  database.exec('COMMIT');
  let turn = 0;

  async function claimAndCommit() {
    turn++;
    const key = keys[turn % ROWS] ?? { pk: '', sk: '' };
    const holder = `bench/${randomBytes(9).toString('base64url')}`;
    const claim = await table.claim(key, { holder, now: turn, until: turn });
    if (claim === null) throw new Error('a due row was not claimed');
    await table.commit(key, claim.token, { phase: 'moving', state: STATE }, turn);
    return { key, token: claim.token };
  }

  const pairs: Load = (ms) => repeated(ms, 2, claimAndCommit);
  const leases: Load = (ms) =>
    repeated(ms, 3, async () => {
      const { key, token } = await claimAndCommit();
      await table.release(key, token, { to: 'wait', dueAt: turn }, turn);
    });
  return { pairs, leases, close: () => database.close() };
}

function bareLoad(directory: string) {
  const database = new DatabaseSync(join(directory, 'bare.db'));
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  database.exec('CREATE TABLE bare (k INTEGER PRIMARY KEY, v INTEGER NOT NULL, state TEXT NOT NULL)');
  const insert = database.prepare('INSERT INTO bare VALUES (?, 0, ?)');
  database.exec('BEGIN');
  for (let k = 0; k < ROWS; k++) insert.run(k, STATE_JSON);
  database.exec('COMMIT');
  const update = database.prepare('UPDATE bare SET v = v + 1, state = ? WHERE k = ? AND v >= ?');
  let turn = 0;
  const load: Load = (ms) =>
    repeated(ms, 1, async () => {
      update.run(STATE_JSON, turn++ % ROWS, 0);
    });
  return { load, close: () => database.close() };
}

async function appendLoad(directory: string, ms: number): Promise<number> {
  const file = await open(join(directory, 'append'), 'a');
  const block = randomBytes(4096);
  try {
    return await repeated(ms, 1, async () => {
      await file.write(block);
      await file.datasync();
    });
  } finally {
    await file.close();
  }
}

async function repeated(ms: number, writes: number, work: () => Promise<unknown>): Promise<number> {
  const endMs = performance.now() + ms;
  let count = 0;
  while (performance.now() < endMs) {
    await work();
    count += writes;
  }
  return count;
}

/** Every load in turn, several times over, so that a slow minute of the disk falls on all of them. Writes per second. */
async function alternated(
  loads: Readonly<Record<string, Load>>,
  rounds: number,
  roundMs: number,
): Promise<ReadonlyMap<string, number>> {
  const rates = new Map<string, number[]>(Object.keys(loads).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, load] of Object.entries(loads)) {
      const startedAt = performance.now();
      const writes = await load(roundMs);
      rates.get(name)?.push((writes * 1000) / (performance.now() - startedAt));
    }
  }
  return new Map([...rates].map(([name, samples]) => [name, median(samples)]));
}
