/** Worker: the safety nets, by cron. What fails here is an error of the invocation, so that somebody is told. */
import * as z from 'zod';
import type { InboxPlace } from '#core/intake/receive.ts';
import type { Cells } from '#core/ports/cells.ts';
import { fileHandler, guestHandler, inboxRounds, sweepHandler } from '../sweep.ts';
import type { WorkerHome } from './deps.ts';
import { watchRound } from './watch.ts';
import { webhookRound } from './webhooks.ts';

/** Each of an hour's looks at the inbox; what is behind it has its turn in the next hour. */
const INBOX_MS = 5 * 60_000;
/** Of each hour, the one in which lost events are made up for. */
const FULL_HOUR = 0;
/** Each look reads some hundred rows. */
const WATCH_MINUTES = 5;

const PLACE = { pk: 'INBOX', sk: 'after' };
const Place = z.object({ after: z.string().optional() });

type Round = () => Promise<unknown>;
type Swept = Pick<WorkerHome, 'intake' | 'multipart' | 'files'> & {
  readonly engine: Pick<WorkerHome['engine'], 'cells' | 'clock'>;
};

/** Of every minute: hints for rows that are due; where nothing tells of arrivals, a look at the inbox too. */
export function minuteRound(home: WorkerHome): Round {
  const { engine, intake, env } = home;
  const sweep = sweepHandler(engine);
  const inbox = inboxRounds(intake, placeIn(engine.cells));
  return env.ENTREPOT_ARRIVALS === 'looked-for' ? inTurn([sweep, () => inbox(() => true)]) : sweep;
}

/** Of every hour: what guests and uploads of files that stay left behind, and what an event lost. */
export function hourRound({ engine: { cells, clock }, intake, multipart, files }: Swept): Round {
  const inbox = inboxRounds(intake, placeIn(cells));
  const look = () => {
    const endMs = clock.now() + INBOX_MS;
    return inbox(() => clock.now() >= endMs);
  };
  return inTurn([guestHandler({ intake, multipart, cells }), fileHandler(files), look]);
}

/** `atMs`: when the cron was due. */
export async function onSchedule(home: WorkerHome, atMs: number): Promise<void> {
  const minute = new Date(atMs).getUTCMinutes();
  const more = [
    ...(minute % WATCH_MINUTES === 0 ? [watchRound(home)] : []),
    ...(minute === FULL_HOUR ? [hourRound(home)] : []),
  ];
  // Last, since others may keep it waiting.
  await inTurn([minuteRound(home), ...more, webhookRound(home)])();
}

/** What fails keeps nothing else from its turn; the first error is thrown in the end. */
function inTurn(rounds: readonly Round[]): Round {
  return async () => {
    const errors: unknown[] = [];
    for (const round of rounds) await round().catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw errors[0];
  };
}

/** A Worker keeps nothing from one call to the next. */
function placeIn(cells: Cells): InboxPlace {
  let v = 0;
  return {
    read: async () => {
      const cell = await cells.read(PLACE);
      v = cell?.v ?? 0;
      return Place.safeParse(cell?.value).data?.after;
    },
    keep: async (after) => {
      // Of two who look at the same time, the place of either will do.
      if (await cells.swap(PLACE, v, { after })) v++;
    },
  };
}
