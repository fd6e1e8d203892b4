/** What outlives every process: the stores, the destinations, the one true clock; and the ports through which a process meets them. */
import { memoryCells } from '#adapters/memory/cells.ts';
import { type VirtualClock, virtualClock } from '#adapters/memory/clock.ts';
import { type MemoryStaging, memoryStaging } from '#adapters/memory/staging.ts';
import { memoryWorkTable } from '#adapters/memory/work-table.ts';
import { Fault } from '#core/fault.ts';
import type { Intake } from '#core/intake/intake.ts';
import type { Cells } from '#core/ports/cells.ts';
import type { Destination, Destinations } from '#core/ports/destinations.ts';
import type { LogFields } from '#core/ports/log.ts';
import type { Rumour } from '#core/ports/progress.ts';
import type { PushProvider } from '#core/ports/provider.ts';
import type { StagingSource } from '#core/ports/staging.ts';
import type { WorkTable } from '#core/ports/work-table.ts';
import type { Engine, Limits } from '#core/transfer/engine.ts';
import type { Job } from '#core/wire/job.ts';
import { rigAudit } from './audit-rigs.ts';
import { type AuditedTable, auditedTable } from './audit-rows.ts';
import { watchBytes, watchRumours } from './audit-views.ts';
import { type Journal, journal } from './journal.ts';
import { type Ledger, ledger } from './ledger.ts';
import { around, type EffectKind, Injected, type Process } from './process.ts';
import { type Rig, type RigTraits, rig } from './rig-provider.ts';

export const START_MS = Date.UTC(2026, 0, 1);

/** Ports put in the way of the real ones, to see that a broken promise is noticed. */
export interface Sabotage {
  readonly table?: (table: WorkTable) => WorkTable;
  readonly cells?: (cells: Cells) => Cells;
  readonly source?: (source: StagingSource) => StagingSource;
  readonly provider?: (provider: PushProvider) => PushProvider;
}

export interface WorldOptions {
  readonly seed: number;
  readonly limits: Limits;
  readonly rigs: readonly { readonly id: string; readonly traits: RigTraits }[];
  readonly sabotage?: Sabotage;
  /** What a destination answers instead of what it should. */
  readonly providerError?: () => Error;
}

export interface World {
  readonly clock: VirtualClock;
  readonly journal: Journal;
  readonly ledger: Ledger;
  readonly table: AuditedTable;
  readonly cells: Cells;
  readonly staging: MemoryStaging;
  readonly rigs: ReadonlyMap<string, Rig>;
  /** Bytes as their client has them, by upload id; of inbox objects by version. */
  readonly contents: Map<string, Uint8Array>;
  readonly limits: Limits;
  /** Where hints and rumours go; replaced by whoever runs the world. */
  onSend(process: Process, jobs: readonly Job[], delayMs: number): void;
  onPublish(rumours: readonly Rumour[]): void;
  engine(process: Process): Engine;
  intake(process: Process): Intake;
}

const READS: readonly string[] = [
  'get',
  'query',
  'due',
  'owned',
  'read',
  'list',
  'stat',
  'inspect',
  'check',
  'provider',
];

export function createWorld({ seed, limits, rigs, sabotage = {}, providerError }: WorldOptions): World {
  const clock = virtualClock({ seed, startMs: START_MS });
  const log = journal(START_MS);
  const book = ledger();
  const bare = memoryWorkTable();
  const table = auditedTable(sabotage.table?.(bare) ?? bare, { base: clock, journal: log, ledger: book });
  const cells = sabotage.cells?.(memoryCells()) ?? memoryCells();
  const staging = memoryStaging(clock);
  const contents = new Map<string, Uint8Array>();
  const watch = rigAudit({ table, cells, base: clock, journal: log, ledger: book, limits, contents });
  const processes = new Map<string, Process>();
  const places = new Map(
    rigs.map(({ id, traits }) => {
      const tell = (caller: { readonly name: string }, event: Parameters<typeof watch.on>[2]): void => {
        const process = processes.get(caller.name);
        if (process !== undefined) watch.on(process, id, event);
      };
      return [id, rig({ id, traits, base: clock, tell })];
    }),
  );
  const source: StagingSource = watchBytes(sabotage.source?.(staging) ?? staging, { table, base: clock, journal: log });

  const world: World = {
    clock,
    journal: log,
    ledger: book,
    table,
    cells,
    staging,
    rigs: places,
    contents,
    limits,
    onSend: () => undefined,
    onPublish: () => undefined,
    engine: (process) => {
      processes.set(process.name, process);
      let claims = 0;
      return { ...portsOf(process), limits, newHolder: () => `${process.name}/${++claims}` };
    },
    intake: (process) => {
      processes.set(process.name, process);
      return { ...portsOf(process), staging, bucketName: 'rig-bucket' };
    },
  };

  function portsOf(process: Process) {
    const through = <T extends object>(port: string, target: T, error: () => Error = () => new Injected(port)): T =>
      around(target, (method, args, proceed) => {
        const kind: EffectKind = READS.includes(method) ? 'read' : 'write';
        return process.effect(port, method, kind, error, async () => {
          const answer = await proceed();
          const isDull = kind === 'read' || answer === 'exists' || method === 'purge' || isEmpty(args[0]);
          if (!isDull) log.note(clock.now(), process.name, `${port}.${method}`, ...args, '->', answer);
          return answer;
        });
      });
    return {
      clock: process.clock,
      table: through('table', table),
      cells: through('cells', cells),
      source: brittle(process, through('source', source)),
      dispatcher: through('dispatcher', {
        send: async (jobs: readonly Job[], options: { readonly delayMs?: number } = {}) =>
          world.onSend(process, jobs, options.delayMs ?? 0),
      }),
      progress: watchRumours(process, { table, journal: log, publish: (rumours) => world.onPublish(rumours) }),
      destinations: destinationsOf(process),
      log: {
        info: () => undefined,
        error: (event: string, fields: LogFields = {}) => {
          log.note(clock.now(), process.name, `LOG ${event}`, fields);
          if (fields['kind'] === 'bug') log.violate('bug', `${event} ${JSON.stringify(fields)}`);
        },
      },
    };

    function destinationsOf(owner: Process): Destinations {
      const all = [...places.values()].map(toDestination);
      const refuse = () =>
        Promise.reject(new Fault('bug', 'rig.settings', 'the destinations of a simulation are fixed'));
      return {
        get: async (id) => all.find((destination) => destination.id === id) ?? null,
        list: async () => all,
        provider: async (id) => {
          const place = places.get(id);
          if (place === undefined) throw new Fault('rejected', 'destination.unknown', `there is no destination ${id}`);
          const bareProvider = place.provider(owner);
          const provider = sabotage.provider?.(bareProvider) ?? bareProvider;
          const remote = through('remote', provider, providerError);
          return { ...provider, ...pickCalls(remote) };
        },
        create: refuse,
        change: refuse,
        remove: refuse,
        refusal: () => null,
      };
    }
  }

  return world;
}

const isEmpty = (list: unknown): boolean => Array.isArray(list) && list.length === 0;

/** `plan` is pure, the rest are calls. */
function pickCalls(remote: PushProvider) {
  const { open, put, inspect, finish, discard, check } = remote;
  return { open, put, inspect, finish, discard, check };
}

function toDestination({ id }: Rig): Destination {
  const none = { settings: {}, hasCredentials: false, placement: { on: 'here' }, limits: {}, version: '1' } as const;
  return { id, provider: 'rig', ...none, createdAt: START_MS };
}

/** Reads that may break off in the middle. */
function brittle(process: Process, { list, stat, read, remove }: StagingSource): StagingSource {
  return {
    list,
    stat,
    remove,
    read: async (object, range, signal) => {
      const stream = await read(object, range, signal);
      return process.fates.breaksOff(process) ? brokenOff(stream) : stream;
    },
  };
}

/** As much as comes in one piece, without its last byte, and then an error. */
function brokenOff(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  let pulls = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { done, value } = await reader.read();
        if (done || pulls++ > 0) return controller.error(new Injected('the stream broke off'));
        controller.enqueue(value.subarray(0, value.byteLength - 1));
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
