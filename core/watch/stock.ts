/** What transfers did, counted from the table at each look: for a home where no process lives long enough to be told. */
import * as z from 'zod';
import type { Cells } from '#core/ports/cells.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { WorkTable } from '#core/ports/work-table.ts';
import { readView } from '#core/read-view.ts';
import type { HeadState, TransferFile } from '#core/state.ts';
import type { TransferId } from '#core/wire/ids.ts';
import { epochMs } from '#core/wire/time.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import { add, countedApart } from './counts.ts';
import { endsSince } from './ends.ts';
import { readRecent } from './recent.ts';
import { Spell, type Spells } from './speeds.ts';
import type { Tally } from './tally.ts';

export interface StockDeps {
  readonly ownerId: string;
  readonly table: WorkTable;
  readonly cells: Cells;
  readonly clock: Clock;
  /** A lower bound of the bytes in the bucket. */
  stagedBytes(file: TransferFile): Promise<number>;
}

export interface Stock {
  /** Since the first look that a home ever took; what was there before it is not counted. */
  readonly tally: Tally;
  /** What is remembered of speeds. What a look changes of it is kept as well. */
  readonly spells: Spells;
  /** Writes it down for the next look, unless another one was faster: what it has counted will then be counted by the next. */
  keep(): Promise<void>;
}

const KEY = { pk: 'STOCK', sk: '@' };
/** All of it must fit a cell of 32 KiB: names of 64 characters, and transfers whose bytes are known from the look before. */
const NAMES_MAX = 64;
const NAME_MAX = 64;
const MOVED_MAX = 150;
const SPELLS_MAX = 32;

const Counts = z.record(z.string(), z.number());
const Kept = z.object({
  v: z.literal(1),
  atMs: z.int(),
  /** Ends from this time on are looked at again: some come up late. Those of them that are counted, as `id#attempt`. */
  endsFromMs: z.int(),
  counted: z.array(z.string()),
  /** Bytes that had arrived, of transfers under way and of failed ones, from which a retry goes on. */
  moved: Counts,
  movedBytes: Counts,
  ended: Counts,
  failures: Counts,
  delivered: z.object({ count: z.number(), seconds: z.number() }),
  spells: z.record(z.string(), Spell),
});
type Kept = z.infer<typeof Kept>;

/** Reads the newest transfers, what has ended since the last look, and the stripes and the bucket of what moves. */
export async function takeStock(deps: StockDeps): Promise<Stock> {
  const { table, cells, clock, ownerId } = deps;
  const cell = await cells.read(KEY);
  const atMs = clock.now();
  const before = Kept.safeParse(cell?.value).data ?? begun(atMs);
  const recent = await readRecent(table, ownerId);
  const moving = recent.underWay.filter(({ status }) => status === 'uploading').slice(0, MOVED_MAX);
  const views: TransferView[] = [];
  for (const { row, head } of moving) views.push(await readView(table, row, await deps.stagedBytes(head.file), head));
  const ends = await endsSince(table, ownerId, { fromMs: before.endsFromMs, counted: before.counted, atMs });
  const counts = countingFrom(before);
  for (const view of views) counts.move(view);
  for (const { row, head } of ends.news) counts.end(head, await readView(table, row, 0, head));
  const spells: Spells = new Map(Object.entries(before.spells));
  return {
    tally: { ...counts.tally, underWay: new Map(views.map((view): [TransferId, TransferView] => [view.id, view])) },
    spells,
    keep: async () => {
      const { tally, moved } = counts;
      const next: Kept = {
        ...{ v: 1, atMs, endsFromMs: ends.fromMs, counted: [...ends.counted] },
        moved: Object.fromEntries([...moved].slice(-MOVED_MAX)),
        movedBytes: Object.fromEntries(tally.movedBytes),
        ended: Object.fromEntries(tally.ended),
        failures: Object.fromEntries(tally.failures),
        delivered: tally.delivered,
        spells: Object.fromEntries([...spells].slice(0, SPELLS_MAX)),
      };
      await cells.swap(KEY, cell?.v ?? 0, next);
    },
  };
}

function begun(atMs: number): Kept {
  const none = { counted: [], moved: {}, movedBytes: {}, ended: {}, failures: {}, spells: {} };
  return { v: 1, atMs, endsFromMs: atMs, delivered: { count: 0, seconds: 0 }, ...none };
}

function countingFrom(before: Kept) {
  const moved = new Map(Object.entries(before.moved));
  const movedBytes = new Map(Object.entries(before.movedBytes));
  const ended = new Map(Object.entries(before.ended));
  const failures = new Map(Object.entries(before.failures));
  const delivered = { ...before.delivered };

  /** What began before the last look and was not seen by it has moved nobody knows when. */
  function move({ id, destinationId, startedAt, movedBytes: nowBytes, instant }: TransferView): void {
    const isOld = startedAt !== null && epochMs(startedAt) < before.atMs;
    const knownBytes = moved.get(id) ?? (isOld ? nowBytes : 0);
    moved.delete(id);
    moved.set(id, nowBytes);
    if (!instant) add(movedBytes, destinationId, Math.max(0, nowBytes - knownBytes), NAMES_MAX);
  }

  function end({ step, startedAt }: HeadState, view: TransferView): void {
    if (view.status !== 'cancelled') move(view);
    if (view.status !== 'failed') moved.delete(view.id);
    add(ended, view.status, 1, NAMES_MAX);
    if (view.error !== null) add(failures, view.error.code.slice(0, NAME_MAX), 1, NAMES_MAX);
    if (view.status !== 'success' || startedAt === null || !('endedAt' in step)) return;
    delivered.count += 1;
    delivered.seconds += Math.max(0, step.endedAt - startedAt) / 1000;
  }

  const movedTo = (id: string): number | null => countedApart(movedBytes, id);
  return { moved, move, end, tally: { movedBytes, movedTo, ended, failures, delivered } };
}
