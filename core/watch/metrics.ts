/**
 * What `GET /metrics` tells. What the table knows is read at each look; what only happens is counted since the process began. Labels are
 * bounded: statuses, and ids of destinations, agents, addresses and codes, so many of each at most.
 */
import type { Clock } from '#core/ports/clock.ts';
import type { Destinations } from '#core/ports/destinations.ts';
import type { WorkTable } from '#core/ports/work-table.ts';
import { askedQueue, askingQueue, begunQueue, DIGEST_QUEUE, UPLOAD_QUEUE, waitingQueue } from '#core/state.ts';
import type { AgentView } from '#core/wire/agent.ts';
import type { AlertBook } from './alert-book.ts';
import { countsOf, type Family, type Sample, samplesOf } from './prometheus.ts';
import { readRecent } from './recent.ts';
import type { Refused } from './rules.ts';
import type { Tally } from './tally.ts';

export interface MetricsDeps {
  readonly ownerId: string;
  readonly table: Pick<WorkTable, 'owned' | 'due'>;
  readonly destinations: Pick<Destinations, 'list'>;
  readonly book: Pick<AlertBook, 'list'>;
  readonly tally: Tally;
  readonly clock: Clock;
  /** Absent: the home has no agents. */
  readonly agents?: () => Promise<readonly AgentView[]>;
  /** Of parts that arrived by each agent, since the process began. */
  readonly sentBytes?: () => ReadonlyMap<string, number>;
  readonly refusals: () => Promise<readonly Refused[]>;
  /** What this process knows of itself. */
  readonly own: () => readonly Family[];
}

const DESTINATIONS_MAX = 64;
/** Rows of one queue that are counted. */
const DUE_MAX = 100;

export async function readMetrics(deps: MetricsDeps): Promise<readonly Family[]> {
  return [...(await transferFamilies(deps)), ...(await dueFamily(deps)), ...(await fleetFamilies(deps)), ...deps.own()];
}

async function transferFamilies({ table, ownerId, tally, book }: MetricsDeps): Promise<readonly Family[]> {
  const { underWay } = await readRecent(table, ownerId);
  const alerts = (await book.list()).filter(({ endedAt }) => endedAt === null);
  const known = underWay.flatMap(({ head }) => tally.underWay.get(head.file.transferId) ?? []);
  const speeds = new Map<string, number>();
  for (const { destinationId, speedBytesPerSecond: speed } of known) {
    speeds.set(destinationId, (speeds.get(destinationId) ?? 0) + speed);
  }
  const { delivered } = tally;
  return [
    gauge('transfers', 'Transfers that have not ended, by status.', [
      ...samplesOf('status', countsOf(underWay.map(({ status }) => status))),
    ]),
    counter('transfers_ended_total', 'Transfers that ended, by status.', samplesOf('status', tally.ended)),
    counter('transfer_failures_total', 'Transfers that failed, by code.', samplesOf('code', tally.failures)),
    counter('transfer_seconds_total', 'Seconds that delivered transfers took, all together.', [
      { value: delivered.seconds },
    ]),
    counter('transfers_timed_total', 'Transfers in transfer_seconds_total.', [{ value: delivered.count }]),
    counter('moved_bytes_total', 'Bytes that arrived at destinations.', samplesOf('destination', tally.movedBytes)),
    gauge('speed_bytes_per_second', 'Bytes a second, of transfers under way.', samplesOf('destination', speeds)),
    gauge('alerts', 'Alerts that last.', samplesOf('kind', countsOf(alerts.map(({ kind }) => kind)))),
  ];
}

async function dueFamily({ table, destinations, clock }: MetricsDeps): Promise<readonly Family[]> {
  const ids = (await destinations.list()).slice(0, DESTINATIONS_MAX).map(({ id }) => id);
  const queues = [UPLOAD_QUEUE, DIGEST_QUEUE, ...ids.flatMap((id) => OF_DESTINATION.map((queue) => queue(id)))];
  const samples: Sample[] = [];
  for (const queue of queues) {
    const due = await table.due(queue, clock.now(), DUE_MAX);
    samples.push({ labels: { queue }, value: due.length });
  }
  return [gauge('due_rows', `Rows whose time has come, by queue; ${DUE_MAX} are counted at most.`, samples)];
}

const OF_DESTINATION = [waitingQueue, begunQueue, askingQueue, askedQueue];

async function fleetFamilies(deps: MetricsDeps): Promise<readonly Family[]> {
  const { clock, sentBytes = () => new Map() } = deps;
  const agents = (await deps.agents?.()) ?? [];
  const refusals = (await deps.refusals()).filter(({ atMs }) => atMs > clock.now() - HOUR_MS);
  const files = agents.map(({ id, files: count }) => [id, count] as const);
  const memory = agents.flatMap(({ id, memoryBytes }) => (memoryBytes === null ? [] : [[id, memoryBytes] as const]));
  return [
    gauge('agents', 'Agents, by status.', samplesOf('status', countsOf(agents.map(({ status }) => status)))),
    gauge('agent_files', 'Files under way at an agent.', samplesOf('agent', files)),
    gauge('agent_memory_bytes', 'Memory of an agent, as it said.', samplesOf('agent', memory)),
    counter('agent_sent_bytes_total', 'Bytes that an agent sent on.', samplesOf('agent', sentBytes())),
    gauge('address_refusals', 'Times in the last hour that an address was asked for less, 16 of an agent at most.', [
      ...samplesOf('address', countsOf(refusals.map(({ address }) => address))),
    ]),
  ];
}

const HOUR_MS = 60 * 60_000;

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help, type: 'gauge', samples };
}

function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help, type: 'counter', samples };
}
