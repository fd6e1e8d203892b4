/** The real API in one process over the memory adapters, with a real folder to deliver to. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { memoryCells } from '#adapters/memory/cells.ts';
import { type MemoryDispatcher, memoryDispatcher } from '#adapters/memory/dispatcher.ts';
import { memoryProgress } from '#adapters/memory/progress.ts';
import { type MemoryStaging, memoryStaging } from '#adapters/memory/staging.ts';
import { memoryWorkTable } from '#adapters/memory/work-table.ts';
import { systemClock } from '#adapters/system/clock.ts';
import { sealedAccounts } from '#adapters/vault/accounts.ts';
import { cellDestinations } from '#adapters/vault/destinations.ts';
import type { Place } from '#adapters/vault/placement.ts';
import { sealKey } from '#adapters/vault/seal.ts';
import { sealedBox } from '#adapters/vault/sealed-box.ts';
import { Fault } from '#core/fault.ts';
import type { Intake } from '#core/intake/intake.ts';
import { openBound } from '#core/intake/open-uploads.ts';
import { loginDesk } from '#core/login.ts';
import type { BrowserKind } from '#core/ports/browser.ts';
import type { Cells } from '#core/ports/cells.ts';
import type { Clock } from '#core/ports/clock.ts';
import { type ProviderKind, providerKind } from '#core/ports/connection.ts';
import type { Log, LogFields } from '#core/ports/log.ts';
import type { LoginKind } from '#core/ports/login.ts';
import type { Rumour } from '#core/ports/progress.ts';
import { pushProvider } from '#core/ports/provider.ts';
import type { WorkTable } from '#core/ports/work-table.ts';
import { HeadState, headKey, type Step } from '#core/state.ts';
import type { Engine } from '#core/transfer/engine.ts';
import { sweep } from '#core/transfer/sweep.ts';
import { underWay } from '#core/under-way.ts';
import type { TransferId } from '#core/wire/ids.ts';
import { chunkKey } from '#core/wire/keys.ts';
import { CreateUploadAnswer } from '#core/wire/upload.ts';
import { folderKind } from '#providers/folder/provider.ts';
import { type Api, createApi } from '../../functions/api.ts';
import { moveHandler } from '../../functions/move.ts';
import type { AgentDoor } from '../../functions/routes/agent-http.ts';
import { NO_STORE } from '../support/no-store.ts';

export const TOKEN = 'a-token-of-the-owner';
/** Speaks for somebody else. */
export const OTHER_TOKEN = 'a-token-of-another';
const OWNERS = new Map([
  [TOKEN, 'local'],
  [OTHER_TOKEN, 'other'],
]);
export const CHUNK_BYTES = 10 * 1024 * 1024;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: unknown;
}

export interface LogLine {
  readonly level: 'info' | 'error';
  readonly event: string;
  readonly fields: LogFields;
}

export interface ApiRig extends AsyncDisposable {
  readonly app: Api;
  readonly engine: Engine;
  readonly intake: Intake;
  readonly table: WorkTable;
  readonly cells: Cells;
  readonly staging: MemoryStaging;
  readonly dispatcher: MemoryDispatcher;
  /** Where the destination `folder` puts files. */
  readonly root: string;
  readonly logged: readonly LogLine[];
  readonly rumours: readonly Rumour[];
  /** With the owner's token and, for a body that is no text, as JSON. */
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Announces a file; a request that is not answered 201 is an error. */
  create(request?: Readonly<Record<string, unknown>>): Promise<CreateUploadAnswer>;
  /** Puts the chunk of a ticket as a browser would. */
  put(ticket: CreateUploadAnswer['chunks'][number], bytes: Uint8Array): number;
  /** Lays the chunks in the bucket whatever their bytes are. */
  stage(uploadId: CreateUploadAnswer['upload']['id'], ...numbers: readonly number[]): void;
  /** Writes a phase as the holder of the transfer would. */
  force(id: TransferId, step: Step): Promise<void>;
  /** Runs every job to its end, and what the sweeper then finds due, until nothing is. */
  settle(): Promise<void>;
  /** Time goes on at once. */
  jump(ms: number): void;
}

const Keyed = z.strictObject({ mood: z.enum(['well', 'failing', 'strange', 'silent']).default('well') });
const Keys = z.strictObject({ accessKeyId: z.string().min(3), secretAccessKey: z.string().min(8) });
const Session = z.object({ id: z.string() });

/** A destination with credentials, which is never opened. */
const keyedKind = providerKind<z.infer<typeof Keyed>, z.infer<typeof Keys>>({
  id: 'keyed',
  settings: Keyed,
  credentials: Keys,
  siteSettings: [],
  connect: ({ settings, credentials }) => {
    const never = () => Promise.reject(new Fault('rejected', 'keyed.closed', 'nothing is taken here'));
    return pushProvider(Session, {
      id: 'keyed',
      needs: [],
      instant: 'never',
      plan: () => ({ partBytes: CHUNK_BYTES, inFlightMax: 1, order: 'any' }),
      open: never,
      put: never,
      finish: never,
      inspect: never,
      discard: async () => undefined,
      check: async ({ signal }) => {
        await credentials.read();
        if (settings.mood === 'failing') throw new Fault('auth', 'keyed.denied', 'the key is not good any more');
        if (settings.mood === 'strange') throw new TypeError('undefined is not a function');
        if (settings.mood === 'silent') await new Promise((_, reject) => signal.addEventListener('abort', reject));
        return { message: 'it takes files', freeBytes: 5 };
      },
    });
  },
});

/** Jobs that one `settle` may run: beyond it something calls itself for ever. */
const JOBS_MAX = 2_000;

export interface MoreKinds {
  /** Absent: as many transfers as there is room for. */
  readonly openMax?: number;
  readonly kinds?: readonly ProviderKind[];
  readonly browsers?: readonly BrowserKind[];
  readonly logins?: readonly LoginKind[];
  /** Agents for this home. */
  readonly fleet?: (parts: Pick<Engine, 'cells' | 'clock'>) => { readonly place: Place; readonly door: AgentDoor };
}

export async function apiRig(more: MoreKinds = {}): Promise<ApiRig> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'entrepot-api-')));
  const clock = jumpingClock();
  const logged: LogLine[] = [];
  const rumours: Rumour[] = [];
  const progress = memoryProgress();
  progress.subscribe((told) => void rumours.push(...told));
  const table = memoryWorkTable();
  const cells = memoryCells();
  const staging = memoryStaging(clock);
  const dispatcher = memoryDispatcher(clock);
  const key = sealKey(new Uint8Array(32));
  const accounts = sealedAccounts(cells, key);
  const kinds = [folderKind, keyedKind, ...(more.kinds ?? [])];
  const browsers = more.browsers ?? [];
  const fleet = more.fleet?.({ cells, clock });
  const destinations = cellDestinations({
    cells,
    accounts,
    kinds,
    browsers,
    clock,
    staging: NO_STORE,
    underWay: (id) => underWay(table, id),
    ...(fleet === undefined ? {} : { place: fleet.place }),
  });
  await destinations.create({ id: 'folder', provider: 'folder', settings: { root } });
  await destinations.create({ id: 'second', provider: 'folder', settings: { root: join(root, 'second') } });
  const shared = { table, source: staging, dispatcher, destinations, progress, clock, log: listeningLog(logged) };
  let holders = 0;
  const engine: Engine = {
    ...shared,
    cells,
    limits: { files: 3, parts: 5, functionParts: 5, finishPatienceMs: 0 },
    newHolder: () => `rig/${++holders}`,
  };
  const intake: Intake = {
    ...{ ...shared, staging, bucketName: 'bucket' },
    ...(more.openMax === undefined ? {} : { mayOpen: openBound({ table, clock, max: more.openMax }) }),
  };
  let tickets = 0;
  const app = createApi({
    engine,
    intake,
    authenticate: (token) => OWNERS.get(token) ?? null,
    logins: loginDesk({ cells, box: sealedBox(key), kinds: more.logins ?? [], destinations, clock }),
    browserOf: destinations.browser,
    ...(fleet === undefined ? {} : { fleet: fleet.door.registry, agentDoor: fleet.door }),
    issueTicket: () => ({ ticket: `ticket-${++tickets}`, expiresAtMs: clock.now() + 30_000 }),
  });
  const call = caller(app);
  const signal = new AbortController().signal;
  const move = moveHandler(engine, () => ({ remainingMs: () => 60_000, signal }));

  return {
    app,
    engine,
    intake,
    table,
    cells,
    staging,
    dispatcher,
    root,
    logged,
    rumours,
    call,
    jump: clock.jump,
    create: async (request = {}) => {
      const asked = { name: 'file.bin', sizeBytes: 5, destinations: [{ id: 'folder' }], ...request };
      const { status, body, text } = await call('POST', '/api/v1/uploads', asked);
      if (status !== 201) throw new Error(`${status}: ${text}`);
      return CreateUploadAnswer.parse(body);
    },
    put: ({ url, headers }, bytes) => staging.uploadTo(url, headers, bytes),
    stage: (uploadId, ...numbers) => {
      for (const number of numbers) staging.put(chunkKey(uploadId, number), new Uint8Array([number]));
    },
    force: (id, step) => force(engine, id, step),
    settle: async () => {
      for (let jobs = 0; jobs < JOBS_MAX; jobs++) {
        let job = dispatcher.take();
        if (job === null && (await sweep(engine)) > 0) job = dispatcher.take();
        if (job === null) return;
        const Records = [{ messageId: String(jobs), body: JSON.stringify(job) }];
        const { batchItemFailures } = await move({ Records }, { getRemainingTimeInMillis: () => 60_000 });
        if (batchItemFailures.length > 0) throw new Error(`a job failed: ${JSON.stringify(logged.at(-1))}`);
      }
      throw new Error(`after ${JOBS_MAX} jobs there is still something to do`);
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

function caller(app: Api): ApiRig['call'] {
  return async (method, path, body, headers = {}) => {
    const isText = typeof body === 'string';
    const answer = await app.request(path, {
      method,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true && text !== '';
    return { status: answer.status, headers: answer.headers, text, body: isJson ? JSON.parse(text) : null };
  };
}

async function force({ table, clock }: Engine, id: TransferId, step: Step): Promise<void> {
  const key = headKey(id);
  const claim = await table.claim(key, { holder: 'force', now: clock.now(), until: clock.now() + 60_000 });
  if (claim === null) throw new Error('somebody else holds this transfer');
  const advance = { phase: step.phase, state: { ...HeadState.parse(claim.row.state), step } };
  const isEnd = ['done', 'failed', 'canceled'].includes(step.phase);
  const release = isEnd
    ? ({ to: 'ended', advance } as const)
    : ({ to: 'wait', dueAt: clock.now() + 60_000, advance } as const);
  if (!(await table.release(key, claim.token, release, clock.now()))) throw new Error('the release was refused');
}

function jumpingClock(): Clock & { jump(ms: number): void } {
  const clock = systemClock();
  let ahead = 0;
  return {
    ...clock,
    now: () => clock.now() + ahead,
    jump: (ms) => {
      ahead += ms;
    },
  };
}

function listeningLog(logged: LogLine[]): Log {
  const line = (level: LogLine['level']) => (event: string, fields?: LogFields) =>
    void logged.push({ level, event, fields: fields ?? {} });
  return { info: line('info'), error: line('error') };
}
