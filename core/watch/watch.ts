/** Looks now and then whether a person should, says so once, and once more when it is over. */
import type { Clock } from '#core/ports/clock.ts';
import type { Log } from '#core/ports/log.ts';
import type { ProgressSink } from '#core/ports/progress.ts';
import type { WorkTable } from '#core/ports/work-table.ts';
import type { AgentView } from '#core/wire/agent.ts';
import type { Alert, AlertKind } from '#core/wire/alert.ts';
import type { AlertBook } from './alert-book.ts';
import { readRecent } from './recent.ts';
import { failureRate, offlineAgents, type Refused, refusedAddresses } from './rules.ts';
import { type Spells, speedJudge } from './speeds.ts';
import type { Tally } from './tally.ts';

export interface WatchDeps {
  readonly ownerId: string;
  readonly table: Pick<WorkTable, 'owned'>;
  readonly book: AlertBook;
  /** Absent: nothing is told of transfers here, and no speed is judged. */
  readonly tally?: Tally;
  /** What is remembered of speeds from one look to the next. Absent: as long as the process lives. */
  readonly spells?: Spells;
  /** Bytes a second that destinations are kept to, of those that are. Absent: none is. */
  readonly speedLimits?: () => Promise<ReadonlyMap<string, number>>;
  readonly progress: ProgressSink;
  readonly clock: Clock;
  readonly log: Log;
  /** Absent: the home has no agents. */
  readonly agents?: () => Promise<readonly AgentView[]>;
  /** Those that are still known, of the home's own calls and of agents. Absent: nobody notes them. */
  readonly refusals?: () => Promise<readonly Refused[]>;
}

/** To be called each minute. It rejects with what it could not read or write; the next look makes up for it. */
export function alertWatch(deps: WatchDeps): () => Promise<void> {
  const { ownerId, table, book, tally, spells = new Map(), progress, clock, log } = deps;
  const sinceMs = clock.now();
  const judgeSpeeds = tally === undefined ? () => [] : speedJudge(tally, clock, spells);
  return async () => {
    const recent = await readRecent(table, ownerId);
    const agents = (await deps.agents?.()) ?? [];
    const refusals = (await deps.refusals?.()) ?? [];
    const limits = (await deps.speedLimits?.()) ?? new Map<string, number>();
    const now = clock.now();
    const { raised, ended } = await book.settle([
      ...offlineAgents(agents, sinceMs, now),
      failureRate(recent, now),
      ...refusedAddresses(refusals, now),
      ...judgeSpeeds(recent, limits),
    ]);
    for (const { id, kind } of raised) log.error('alert.raised', { alert: id, kind });
    for (const { id, kind } of ended) log.info('alert.ended', { alert: id, kind });
    const notices = [
      ...raised.map((alert) => ({ title: TITLES[alert.kind], content: alert.message, type: 'warning' })),
      ...ended.map((alert) => ({ title: `Over: ${TITLES[alert.kind]}`, content: overText(alert), type: 'info' })),
    ];
    await progress.publish(notices.map((notice) => ({ kind: 'notice', ownerId, notice })));
  };
}

const TITLES: Readonly<Record<AlertKind, string>> = {
  agent_offline: 'An agent is offline',
  failure_rate: 'Many transfers fail',
  address_refused: 'An address was refused',
  low_speed: 'A destination is slow',
};

function overText({ subject, raisedAt }: Alert): string {
  return `${subject === '' ? 'It' : subject} is well again; since ${raisedAt} it was not`;
}
