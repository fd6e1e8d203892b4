/** A world with one destination that asks: relays that serve it, functions that must leave it alone, a clock that is told to move. */
import { memoryCells } from '#adapters/memory/cells.ts';
import { type VirtualClock, virtualClock } from '#adapters/memory/clock.ts';
import { memoryProgress } from '#adapters/memory/progress.ts';
import { type MemoryStaging, memoryStaging } from '#adapters/memory/staging.ts';
import { memoryWorkTable } from '#adapters/memory/work-table.ts';
import { Fault } from '#core/fault.ts';
import { transferIdFrom, uploadIdFrom } from '#core/ids.ts';
import { createUpload } from '#core/intake/announce.ts';
import { receive } from '#core/intake/receive.ts';
import type { Destination, Destinations } from '#core/ports/destinations.ts';
import type { LogFields } from '#core/ports/log.ts';
import type { Ask, Provider, ServeProvider } from '#core/ports/provider.ts';
import type { StagingSource } from '#core/ports/staging.ts';
import type { WorkRow, WorkTable } from '#core/ports/work-table.ts';
import { type HeadState, headKey, type UploadState } from '#core/state.ts';
import { advance } from '#core/transfer/advance.ts';
import type { Engine } from '#core/transfer/engine.ts';
import { serveLanes } from '#core/transfer/serve/lanes.ts';
import { sweep } from '#core/transfer/sweep.ts';
import type { Digests } from '#core/wire/digest.ts';
import type { TransferId } from '#core/wire/ids.ts';
import { chunkKey } from '#core/wire/keys.ts';
import { isNews, type TransferView } from '#core/wire/transfer.ts';
import { type FarSide, farSide } from '../fakes/asking/far-side.ts';
import type { AskingTraits } from '../fakes/asking/session.ts';
import { auditedTable } from '../simulation/audit-rows.ts';
import { bytesOf } from '../simulation/chance.ts';
import { type Journal, journal } from '../simulation/journal.ts';
import { ledger } from '../simulation/ledger.ts';
import { around, type Fates, Injected, NO_HARM, type Process, spawn } from '../simulation/process.ts';
import { LIMITS } from './lab.ts';

export interface ServeLabOptions {
  readonly far?: Partial<AskingTraits>;
  readonly fates?: Fates;
  /** Rumours reach relays, so that they need not look for chunks. */
  readonly feed?: 'told' | 'silent';
  readonly source?: (bare: StagingSource) => StagingSource;
  /** Whether the destination's settings can be read. */
  readonly isConnected?: () => boolean;
  /** The destination has been made anew under its id, of another kind. */
  readonly instead?: () => Provider | null;
  /** Between the engine and the destination. */
  readonly provider?: (bare: ServeProvider) => ServeProvider;
}

export interface ServedFile {
  readonly upload: UploadState;
  readonly content: Uint8Array;
  readonly id: TransferId;
}

export interface Relay {
  readonly process: Process;
  /** In good order: everything is handed over. */
  stop(): Promise<void>;
}

export interface ServeLab {
  readonly clock: VirtualClock;
  readonly far: FarSide;
  readonly table: WorkTable;
  readonly staging: MemoryStaging;
  readonly journal: Journal;
  /** Codes of what was logged as an error. */
  readonly errors: readonly string[];
  /** Every view that was published of a transfer. */
  views(id: TransferId): readonly TransferView[];
  engine(name: string): Engine;
  /** `lookMs`: how often it looks where nothing is served. */
  relay(lookMs?: number): Relay;
  announce(file: {
    readonly sizeBytes: number;
    readonly chunkBytes?: number;
    readonly digests?: Digests;
    readonly content?: Uint8Array;
  }): Promise<ServedFile>;
  stage(file: ServedFile, numbers?: readonly number[]): Promise<void>;
  until(isSo: () => boolean | Promise<boolean>, limitMs?: number): Promise<void>;
  pass(ms: number): Promise<void>;
  ended(...files: readonly ServedFile[]): Promise<void>;
  row(id: TransferId): Promise<WorkRow>;
  head(id: TransferId): Promise<HeadState>;
  killAll(): void;
}

export const FAR = 'far';
const START_MS = Date.UTC(2026, 0, 1);
const LOOK_MS = 2_000;
const SWEEP_MS = 60_000;
const HOUR_MS = 60 * 60_000;

export function createServeLab(options: ServeLabOptions = {}): ServeLab {
  const { fates = NO_HARM } = options;
  const clock = virtualClock({ seed: 1, startMs: START_MS });
  const log = journal(START_MS);
  const table = auditedTable(memoryWorkTable(), { base: clock, journal: log, ledger: ledger() });
  const cells = memoryCells();
  const staging = memoryStaging(clock);
  const source = options.source?.(staging) ?? staging;
  const progress = memoryProgress();
  const far = farSide(options.far);
  const alive = new Set<Process>();
  const thrown: unknown[] = [];
  const errors: string[] = [];
  const views = new Map<string, TransferView[]>();
  let spawned = 0;
  let files = 0;
  let sweptAt = clock.now();

  progress.subscribe((rumours) => {
    for (const rumour of rumours) {
      if (rumour.kind === 'transfer') views.set(rumour.view.id, [...(views.get(rumour.view.id) ?? []), rumour.view]);
    }
  });

  function process(name: string): Process {
    spawned += 1;
    const made = spawn({ name: `${name}${spawned}`, base: clock, skewMs: 0, fates, journal: log });
    alive.add(made);
    return made;
  }

  function engineOf(own: Process): Engine {
    const through = <T extends object>(port: string, target: T): T =>
      around(target, (method, args, proceed) => {
        const isRead = ['get', 'query', 'due', 'owned', 'read', 'list', 'stat', 'inspect', 'check'].includes(method);
        return own.effect(
          port,
          method,
          isRead ? 'read' : 'write',
          () => new Injected(port),
          async () => {
            const answer = await proceed();
            if (!isRead) log.note(clock.now(), own.name, `${port}.${method}`, ...args, '->', answer);
            return answer;
          },
        );
      });
    const bare = options.provider?.(far.provider()) ?? far.provider();
    const provider = mortal(own, bare, through('remote', bare));
    const destinations: Destinations = {
      get: async (id) => (id === FAR ? destination : null),
      list: async () => [destination],
      provider: async () => {
        if (options.isConnected?.() ?? true) return options.instead?.() ?? provider;
        throw new Fault('transient', 'lab.settings', 'the settings cannot be read');
      },
      create: unwanted,
      change: unwanted,
      remove: unwanted,
      refusal: () => null,
    };
    let claims = 0;
    return {
      table: through('table', table),
      cells: through('cells', cells),
      source: through('source', source),
      dispatcher: {
        send: async (jobs) => {
          for (const job of jobs) void runJob(job);
        },
      },
      destinations,
      progress,
      clock: own.clock,
      log: { info: () => undefined, error: (event, fields = {}) => noteError(own, event, fields) },
      limits: LIMITS,
      newHolder: () => `${own.name}/${++claims}`,
    };
  }

  function noteError(own: Process, event: string, fields: LogFields): void {
    log.note(clock.now(), own.name, `LOG ${event}`, fields);
    errors.push(`${event} ${String(fields['code'] ?? fields['where'] ?? '')}`);
    const isInjected = fields['reason'] === 'Injected';
    if (fields['kind'] === 'bug' || (event.endsWith('.failed') && !isInjected))
      log.violate('bug', `${event} ${JSON.stringify(fields)}`);
  }

  /** A function of its own. */
  async function runJob(job: Parameters<typeof advance>[1]): Promise<void> {
    const own = process('fn');
    const endsAt = clock.now() + 240_000;
    const budget = { remainingMs: () => endsAt - clock.now(), signal: new AbortController().signal };
    try {
      await Promise.race([advance(engineOf(own), job, budget), own.died]);
    } catch (error) {
      thrown.push(error);
    }
    alive.delete(own);
  }

  function check(): void {
    const violation = log.violation();
    if (violation !== null) throw new Error(`${violation}\n${log.tail()}`);
    if (thrown.length > 0) throw new Error(`a function threw\n${log.tail()}`, { cause: thrown[0] });
  }

  async function until(isSo: () => boolean | Promise<boolean>, limitMs = HOUR_MS): Promise<void> {
    const untilMs = clock.now() + limitMs;
    for (;;) {
      await clock.advance(0);
      check();
      if (await isSo()) return;
      const nextAt = Math.min(clock.next() ?? Number.POSITIVE_INFINITY, sweptAt + SWEEP_MS);
      if (nextAt > untilMs) throw new Error(`not so after ${limitMs} ms\n${log.tail()}`);
      if (nextAt < sweptAt + SWEEP_MS) {
        await clock.step();
        continue;
      }
      await clock.advance(nextAt - clock.now());
      sweptAt = nextAt;
      const own = process('sweep');
      void Promise.race([sweep(engineOf(own)), own.died]).then(() => alive.delete(own));
    }
  }

  const lab: ServeLab = {
    clock,
    far,
    table,
    staging,
    journal: log,
    errors,
    views: (id) => views.get(id) ?? [],
    engine: (name) => engineOf(process(name)),
    relay: (lookMs = LOOK_MS) => {
      const own = process('relay');
      const lanes = serveLanes(engineOf(own), options.feed === 'told' ? progress : undefined);
      const stopped = new AbortController();
      const looking = (async () => {
        while (!stopped.signal.aborted && !own.isDead()) {
          await lanes.look().catch((error: unknown) => {
            if (!(error instanceof Injected)) throw error;
          });
          await own.clock.sleep(lookMs, stopped.signal).catch(() => undefined);
        }
      })();
      looking.catch((error: unknown) => thrown.push(error));
      return {
        process: own,
        stop: async () => {
          stopped.abort();
          await lanes.close();
          alive.delete(own);
        },
      };
    },
    announce: async ({ sizeBytes, chunkBytes = 10, digests = {}, content: given }) => {
      files += 1;
      const content = given ?? bytesOf(sizeBytes, files);
      const uploadId = uploadIdFrom('serve-lab', String(files));
      const id = transferIdFrom(uploadId, 0);
      const upload: UploadState = {
        v: 1,
        uploadId,
        ownerId: 'local',
        name: `film ${files}.mp4`,
        sizeBytes,
        layout: { kind: 'chunks', chunkBytes, count: Math.ceil(sizeBytes / chunkBytes) },
        digests,
        specs: [{ transferId: id, destinationId: FAR, folder: '/影视' }],
        createdAt: clock.now(),
        sweptAt: null,
      };
      const own = process('api');
      const intake = { ...engineOf(own), staging, bucketName: 'lab' };
      await Promise.race([createUpload(intake, upload), own.died]);
      return { upload, content, id };
    },
    stage: async ({ upload, content }, numbers) => {
      const { layout, uploadId } = upload;
      if (layout.kind !== 'chunks') throw new Error('an object is put as one');
      const all = numbers ?? Array.from({ length: layout.count }, (_, i) => i + 1);
      for (const number of all) {
        const at = (number - 1) * layout.chunkBytes;
        staging.put(chunkKey(uploadId, number), content.slice(at, at + layout.chunkBytes));
      }
      const own = process('staged');
      const intake = { ...engineOf(own), staging, bucketName: 'lab' };
      const keys = all.map((number) => chunkKey(uploadId, number));
      await Promise.race([receive(intake, keys), own.died]);
      alive.delete(own);
    },
    until,
    pass: async (ms) => {
      let isOver = false;
      void clock.sleep(ms).then(() => {
        isOver = true;
      });
      await until(() => isOver, ms);
    },
    ended: (...served) =>
      until(async () => {
        const rows = await Promise.all(served.map(({ id }) => table.get(headKey(id))));
        return rows.every((row) => row !== null && row.queue === null);
      }),
    row: async (id) => {
      const row = await table.get(headKey(id));
      if (row === null) throw new Error(`there is no ${id}`);
      return row;
    },
    head: async (id) => (await lab.row(id)).state as HeadState,
    killAll: () => {
      for (const one of alive) one.kill();
      alive.clear();
    },
  };
  return lab;
}

const destination: Destination = {
  id: FAR,
  provider: 'asking',
  settings: {},
  hasCredentials: false,
  placement: { on: 'here' },
  limits: {},
  createdAt: START_MS,
  version: '1',
};

function unwanted(): Promise<never> {
  return Promise.reject(new Error('the destination of the lab is fixed'));
}

/** Calls end with their process; the stream of a dead one says nothing more. */
function mortal(own: Process, bare: ServeProvider, remote: ServeProvider): ServeProvider {
  const { open, attach, answer, hold, inspect, discard, check } = remote;
  async function* asks(ctx: Parameters<ServeProvider['asks']>[0]): AsyncGenerator<Ask> {
    for await (const ask of bare.asks(ctx)) {
      if (own.isDead()) await new Promise<never>(() => undefined);
      yield ask;
    }
  }
  return { ...bare, asks, open, attach, answer, hold, inspect, discard, check };
}

/** What viewers were told never goes back. */
export function expectNoStaleView(views: readonly TransferView[]): void {
  views.forEach((view, index) => {
    if (!isNews(views[index - 1], view)) throw new Error(`view ${index} of ${view.id} is older than the one before`);
    if (view.movedBytes > view.sizeBytes) throw new Error(`view ${index} of ${view.id} has more than there is`);
  });
}
