/** A process that commits a counter in a loop and says so after each commit, until it is killed. */
import { sqliteCells } from '#adapters/sqlite/cells.ts';
import { openDatabase } from '#adapters/sqlite/open.ts';
import { sqliteWorkTable } from '#adapters/sqlite/work-table.ts';

const KEY = { pk: 'T#trf_1', sk: '@' };

const db = openDatabase(process.argv[2] ?? '');
const table = sqliteWorkTable(db);
const cells = sqliteCells(db);
await table.create({ ...KEY, queue: 'dest#a', dueAt: 0, phase: 'moving', state: 0 }, 0);
const claim = await table.claim(KEY, { holder: `${process.pid}/1`, now: Date.now(), until: Date.now() + 60_000 });
for (let count = Number(claim?.row.state ?? 0) + 1; claim !== null; count++) {
  const state = { phase: 'moving', state: count, filler: 'x'.repeat(2000) };
  const wasCommitted = await table.commit(KEY, claim.token, state, Date.now());
  const cell = await cells.read(KEY);
  const wasSwapped = await cells.swap(KEY, cell?.v ?? 0, count);
  if (wasCommitted && wasSwapped) process.stdout.write(`${count}\n`);
  // Gives the pipe a chance: without it the parent would hear of nothing until the loop ends.
  await new Promise(setImmediate);
}
