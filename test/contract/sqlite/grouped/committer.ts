/** A process in which several flows commit a counter each, and say so after each commit, until it is killed. */
import { groupedState } from '#adapters/sqlite/grouped.ts';
import { openDatabase } from '#adapters/sqlite/open.ts';

const FLOWS = 8;

const path = process.argv[2] ?? '';
const { table } = groupedState(openDatabase(path), openDatabase(path));

async function flow(number: number): Promise<void> {
  const key = { pk: 'T#trf_1', sk: String(number) };
  await table.create({ ...key, queue: 'dest#a', dueAt: 0, phase: 'moving', state: 0 }, 0);
  const claim = await table.claim(key, { holder: `${process.pid}/1`, now: Date.now(), until: Date.now() + 60_000 });
  for (let count = 1; claim !== null; count++) {
    const isCommitted = await table.commit(key, claim.token, { phase: 'moving', state: count }, Date.now());
    if (isCommitted) process.stdout.write(`${number} ${count}\n`);
    // Gives the pipe a chance: without it the parent would hear of nothing until the loop ends.
    await new Promise(setImmediate);
  }
}

await Promise.all(Array.from({ length: FLOWS }, (_, number) => flow(number)));
