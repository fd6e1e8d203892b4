/** A file for 115 that takes many functions: how long nothing is sent between the last part of one and the first of the next. */
import { randomFillSync } from 'node:crypto';
import { join } from 'node:path';
import { sqliteCells } from '#adapters/sqlite/cells.ts';
import { openDatabase } from '#adapters/sqlite/open.ts';
import { sqliteWorkTable } from '#adapters/sqlite/work-table.ts';
import { type PanEngineOptions, type Put, panEngine } from '../providers/pan115/engine.ts';
import { MIB, median, quantile } from './measure.ts';
import { type Bench, ratio } from './report.ts';
import { inScratch } from './scratch.ts';

const PART_BYTES = MIB;
const PARTS_PER_FUNCTION = 4;

type Functions = PanEngineOptions['functions'];
const WAYS: readonly Functions[] = ['in one process', 'processes of their own'];

interface Gaps {
  readonly between: readonly number[];
  readonly within: readonly number[];
}

export const handOver: Bench = {
  name: 'hand-over',
  about: 'parts for 115 go in order: the pause from the last part of one function to the first of the next',
  async run(size) {
    const functionCount = size === 'full' ? 40 : 10;
    const content = randomFillSync(Buffer.alloc(functionCount * PARTS_PER_FUNCTION * PART_BYTES));
    const taken: (readonly [Functions, Gaps])[] = [];
    for (const functions of WAYS)
      taken.push([functions, await inScratch((folder) => delivered(folder, content, functions))]);
    const own = taken.find(([functions]) => functions === 'processes of their own')?.[1];
    return {
      tables: [
        {
          columns: [
            'functions',
            'hand-overs',
            'pause p50 ms',
            'p95 ms',
            'most ms',
            'between parts of one p50 ms',
            'p50 ÷ that',
          ],
          rows: taken.map(([functions, { between, within }]) => [
            functions,
            between.length,
            median(between),
            quantile(between, 0.95),
            quantile(between, 1),
            median(within),
            ratio(median(between), median(within)),
          ]),
        },
      ],
      targets: [
        {
          what: 'pause at a hand-over, most',
          sense: 'at most',
          limit: 1000,
          measured: quantile(own?.between ?? [], 1),
          unit: 'ms',
        },
      ],
      figures: Object.fromEntries(
        taken.flatMap(([functions, { between, within }]) => [
          [`${functions}, between functions p50 ms`, median(between)],
          [`${functions}, between functions most ms`, quantile(between, 1)],
          [`${functions}, between parts p50 ms`, median(within)],
        ]),
      ),
      notes: [
        `${PARTS_PER_FUNCTION} parts of 1 MiB for each function, table on disk, 115 and its bucket on loopback: no network, no start of a cloud function`,
        "a process of its own asks 115 for keys to the bucket first, in the account's turn: of four a second here",
      ],
    };
  },
};

async function delivered(folder: string, content: Buffer, functions: Functions): Promise<Gaps> {
  const database = openDatabase(join(folder, 'state.db'));
  const stores = { table: sqliteWorkTable(database), cells: sqliteCells(database) };
  const budget: PanEngineOptions['budget'] = ({ oss }) => {
    const count = () => oss.log.filter((name) => name === 'UploadPart').length;
    const before = count();
    const remainingMs = () => (count() - before >= PARTS_PER_FUNCTION ? 0 : 60_000);
    return { remainingMs, signal: new AbortController().signal };
  };
  try {
    await using engine = await panEngine({ budget, functions, stores });
    const view = await engine.deliver(content, PART_BYTES);
    if (view.phase !== 'done') throw new Error(`the delivery ended ${view.phase}: ${view.error?.code ?? ''}`);
    return gapsOf(engine.puts);
  } finally {
    database.close();
  }
}

function gapsOf(puts: readonly Put[]): Gaps {
  const between: number[] = [];
  const within: number[] = [];
  for (const [index, put] of puts.slice(1).entries()) {
    const before = puts[index];
    if (before === undefined) continue;
    (before.function === put.function ? within : between).push(put.startedAtMs - before.endedAtMs);
  }
  return { between, within };
}
