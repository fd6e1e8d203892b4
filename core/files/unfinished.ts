/** Files whose parts are being put: noted before the bucket knows of them, so that what a death leaves there is found. */
import * as z from 'zod';
import type { Cells } from '#core/ports/cells.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { MultipartIntake } from '#core/ports/multipart.ts';
import type { RowKey } from '#core/ports/work-table.ts';

export interface UnfinishedPorts {
  readonly multipart: MultipartIntake;
  readonly cells: Cells;
  readonly clock: Clock;
}

const Noted = z.object({ v: z.literal(1), key: z.string(), at: z.int() });
const UNFINISHED_PK = 'FILES_BEGUN';
/** Far longer than a file of the largest size takes through us. */
const GIVEN_UP_MS = 24 * 60 * 60_000;
const PAGE = 200;

/** Two that put one key at once share a note: its first end takes it away, and only a death before the other's would leave parts. */
export async function noteBegun({ cells, clock }: UnfinishedPorts, key: string): Promise<void> {
  const cell = await cells.read(noteKey(key));
  await cells.swap(noteKey(key), cell?.v ?? 0, { v: 1, key, at: clock.now() });
}

/** Best effort: what stays is taken away by the sweep. */
export async function noteEnded({ cells }: UnfinishedPorts, key: string): Promise<void> {
  const cell = await cells.read(noteKey(key)).catch(() => null);
  if (cell !== null) await cells.drop(noteKey(key), cell.v).catch(() => false);
}

/** Gives up what was begun a day ago. Answers how many. */
export async function sweepUnfinished({ multipart, cells, clock }: UnfinishedPorts): Promise<number> {
  let swept = 0;
  for (let after: string | undefined; ; ) {
    const page = await cells.list(UNFINISHED_PK, { limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const cell of page) {
      const { key, at } = Noted.parse(cell.value);
      if (clock.now() < at + GIVEN_UP_MS) continue;
      await multipart.abort({ key, storeId: null });
      if (await cells.drop(cell, cell.v)) swept++;
    }
    if (page.length < PAGE) return swept;
    after = page.at(-1)?.sk;
  }
}

function noteKey(key: string): RowKey {
  return { pk: UNFINISHED_PK, sk: key };
}
