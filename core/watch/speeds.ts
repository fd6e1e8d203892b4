/** Whether destinations take their bytes as fast as they use to. */
import * as z from 'zod';
import type { Clock } from '#core/ports/clock.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import type { Finding } from './finding.ts';
import type { Recent, RecentTransfer } from './recent.ts';
import type { Tally } from './tally.ts';

/** To be called at each look, with what the table says at it, and the bytes a second that destinations are kept to. */
export type JudgeSpeeds = (recent: Recent, limits: ReadonlyMap<string, number>) => readonly Finding[];

/** Since when a destination is looked at, and what had arrived there by then. */
export type Spell = z.infer<typeof Spell>;
export const Spell = z.object({ sinceMs: z.int(), movedBytes: z.number() });
/** By destination. */
export type Spells = Map<string, Spell>;

const SPELL_MS = 5 * 60_000;
/** Of a destination without a habit. */
const LONG_SPELL_MS = 30 * 60_000;
/** Bytes are told of by whole parts: so many pass in a spell at the usual rate, or it says nothing. */
const SPELL_PARTS = 4;
/** Files that are long enough to tell of a line, and how many make a habit. */
const TELLING_BYTES = 8 * 1024 * 1024;
const HABIT_FILES = 5;
const LOW = 10;
const RECOVERED = 5;

/**
 * Low: for five minutes, and as long as four parts take, there were staged bytes to send at every look, and less than a tenth of the usual
 * came through; of a destination without a habit yet: nothing at all in half an hour. The usual is the median of files that it finished, and
 * never more than its limit.
 * `spells` is what it remembers from one look to the next.
 */
export function speedJudge(tally: Tally, clock: Clock, spells: Spells): JudgeSpeeds {
  function judge(
    destinationId: string,
    { ended }: Recent,
    views: readonly TransferView[],
    limit: number | undefined,
  ): Finding {
    const now = clock.now();
    const movedBytes = tally.movedTo(destinationId);
    const finding = (state: Finding['state'], values = {}, message = '') =>
      ({ kind: 'low_speed', subject: destinationId, state, values, message }) as const;
    if (movedBytes === null || !views.some(hasBacklog)) {
      spells.delete(destinationId);
      return finding('unsure');
    }
    const spell = spells.get(destinationId) ?? { sinceMs: now, movedBytes };
    spells.set(destinationId, spell);
    const habit = usualRate((ended ?? []).filter(({ head }) => head.file.destinationId === destinationId));
    const usual = habit === null || limit === undefined ? habit : Math.min(habit, limit);
    if (now - spell.sinceMs < spellMs(usual, views)) return finding('unsure');
    spells.set(destinationId, { sinceMs: now, movedBytes });
    const rate = Math.round(((movedBytes - spell.movedBytes) * 1000) / (now - spell.sinceMs));
    const isLow = usual === null ? rate === 0 : rate * LOW < usual;
    const isRecovered = usual === null ? rate > 0 : rate * RECOVERED >= usual;
    if (!isLow) return finding(isRecovered ? 'good' : 'unsure');
    const compared = usual === null ? '' : `, where ${usual} is usual`;
    const values = { bytesPerSecond: rate, ...(usual === null ? {} : { usualBytesPerSecond: usual }) };
    return finding('bad', values, `${destinationId} takes ${rate} bytes a second${compared}`);
  }

  return (recent, limits) => {
    const moving = recent.underWay.filter(({ head }) => head.step.phase === 'moving');
    const ids = new Set(moving.map(({ head }) => head.file.destinationId));
    for (const id of spells.keys()) if (!ids.has(id)) spells.delete(id);
    // What has ended without its being told of is not looked at any more.
    const views = moving.flatMap(({ head }) => tally.underWay.get(head.file.transferId) ?? []);
    return [...ids].map((id) =>
      judge(
        id,
        recent,
        views.filter(({ destinationId }) => destinationId === id),
        limits.get(id),
      ),
    );
  };
}

function spellMs(usual: number | null, views: readonly TransferView[]): number {
  if (usual === null) return LONG_SPELL_MS;
  const partBytes = Math.max(...views.map(({ sizeBytes, partCount }) => sizeBytes / Math.max(1, partCount)));
  return Math.max(SPELL_MS, (SPELL_PARTS * partBytes * 1000) / Math.max(1, usual));
}

/** Somebody has staged more than was sent, and nothing says that it has to wait. */
function hasBacklog({ status, phase, waitsFor, sizeBytes, stagedBytes, movedBytes }: TransferView): boolean {
  if (status !== 'uploading' || phase !== 'moving' || waitsFor !== undefined) return false;
  return stagedBytes - movedBytes >= TELLING_BYTES || (stagedBytes === sizeBytes && movedBytes < sizeBytes);
}

/** Bytes a second; null: too few files tell. */
function usualRate(ended: readonly RecentTransfer[]): number | null {
  const rates = ended.flatMap(({ head: { step, startedAt, file } }) => {
    if (step.phase !== 'done' || step.instant || startedAt === null || file.sizeBytes < TELLING_BYTES) return [];
    return [(file.sizeBytes * 1000) / Math.max(1, step.endedAt - startedAt)];
  });
  const median = rates.sort((a, b) => a - b)[Math.floor(rates.length / 2)];
  return rates.length < HABIT_FILES || median === undefined ? null : Math.round(median);
}
