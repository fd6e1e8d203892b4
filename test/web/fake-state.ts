/** What the fake server knows, and how it changes. Everything in memory, nothing by the clock. */
import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { ulid } from 'ulid';
import type { z } from 'zod';
import type { AgentView } from '#core/wire/agent.ts';
import type { Alert } from '#core/wire/alert.ts';
import { CreateDestination, type DestinationView } from '#core/wire/destination.ts';
import type { DigestAsk } from '#core/wire/digest.ts';
import { TransferId, UploadId } from '#core/wire/ids.ts';
import type { KindView } from '#core/wire/kind.ts';
import type { TransferEvent, TransferView } from '#core/wire/transfer.ts';
import type { ChunkTicket, CreateUpload, UploadView } from '#core/wire/upload.ts';

import type { FakeDrop } from './fake-drop.ts';
import { fakeLinks } from './fake-links.ts';

export interface FakeOptions {
  readonly chunkBytes?: number;
  /** Tickets in the answer of a create. */
  readonly firstWindow?: number;
  /** Folder of the built page. */
  readonly pageDir?: string;
  /** True when every staged byte is delivered at once. */
  readonly delivers?: boolean;
  /** Bytes per second that the bucket takes; unlimited when absent. */
  readonly bucketBytesPerSecond?: number;
  /** Of destinations that the home has; all that the page knows unless told. */
  readonly kinds?: readonly KindView[];
  /** Uploads with this SHA-1 are known already. */
  readonly knownSha1?: string;
  /** A link by which customers hand in. */
  readonly drop?: FakeDrop;
}

export interface Fault {
  /** `status` answers so; `hang` never answers; `drop` cuts the line; `late` does what was asked, then cuts the line. */
  readonly act:
    | { readonly status: number; readonly code?: string; readonly retryAfter?: string }
    | 'hang'
    | 'drop'
    | 'late';
  /** Which requests: `PUT` ones go to the bucket, `WS` is the socket's upgrade, all others go to the API. */
  readonly method: string;
  /** A part of the path. */
  readonly path?: string;
  times: number;
}

export interface FakeUpload {
  readonly view: UploadView;
  readonly transferIds: readonly string[];
  readonly chunks: Map<number, Buffer>;
  readonly destinations: z.output<typeof CreateUpload>['destinations'];
}

export type FakeState = ReturnType<typeof fakeState>;

/** `tell` passes changed transfers on to the sockets. */
export function fakeState(
  options: FakeOptions,
  bucketOrigin: () => string,
  tell: (changed: readonly TransferView[]) => void,
) {
  const chunkBytes = options.chunkBytes ?? 1000;
  const uploads = new Map<string, FakeUpload>();
  const transfers = new Map<string, TransferView>();
  const destinations = new Map<string, DestinationView>();
  const agents = new Map<string, AgentView>();
  const alerts: Alert[] = [];
  /** By transfer; without one, what its view tells. */
  const histories = new Map<string, readonly TransferEvent[]>();
  const byIdempotencyKey = new Map<string, string>();
  const asksOf = new Map<string, DigestAsk[]>();
  const tickets = new Map<string, { key: string; sizeBytes: number }>();
  const faults: Fault[] = [];

  function addDestination(body: z.input<typeof CreateDestination>): DestinationView {
    const { id, provider, settings, credentials, placement, limits = {} } = CreateDestination.parse(body);
    const view: DestinationView = {
      id,
      provider,
      settings,
      hasCredentials: credentials !== undefined,
      placement: placement ?? { on: 'here' },
      limits,
      createdAt: now(),
      version: randomUUID(),
    };
    destinations.set(view.id, view);
    return view;
  }

  function create(body: z.output<typeof CreateUpload>, idempotencyKey: string): FakeUpload {
    const known = uploads.get(byIdempotencyKey.get(idempotencyKey) ?? '');
    if (known) return known;
    const id = UploadId.parse(`upl_${ulid()}`);
    const { name, sizeBytes } = body;
    const isKnown = options.knownSha1 !== undefined && body.digests?.sha1 === options.knownSha1;
    if (isKnown) asksOf.set(id, [{ id: 'ask1', algorithm: 'sha1', start: 10, end: 50 }]);
    const made = body.destinations.map(({ id: destinationId, path }) =>
      plant({
        ...{ uploadId: id, destinationId, path, name, sizeBytes },
        partCount: Math.max(1, Math.ceil(sizeBytes / (chunkBytes * 2))),
        ...(isKnown ? { phase: 'opening', status: 'checking' } : {}),
      }),
    );
    const chunkCount = Math.ceil(sizeBytes / chunkBytes);
    const times = { createdAt: now(), expiresAt: later(7 * 24 * 3_600_000) };
    const view: UploadView = { id, name, sizeBytes, phase: 'open', chunkBytes, chunkCount, ...times };
    const upload = { view, transferIds: made.map((one) => one.id), chunks: new Map(), destinations: body.destinations };
    uploads.set(id, upload);
    byIdempotencyKey.set(idempotencyKey, id);
    if (sizeBytes === 0 && options.delivers) for (const one of made) move(one.id, 0);
    return upload;
  }

  function sign({ view }: FakeUpload, number: number): ChunkTicket {
    const sizeBytes = Math.min(chunkBytes, view.sizeBytes - (number - 1) * chunkBytes);
    const key = `/staging/${view.id}/${String(number).padStart(5, '0')}`;
    const signature = randomUUID();
    tickets.set(signature, { key, sizeBytes });
    const url = `${bucketOrigin()}${key}?sig=${signature}`;
    return { number, sizeBytes, method: 'PUT', url, headers: { 'if-none-match': '*' }, expiresAt: later(900_000) };
  }

  function stage(upload: FakeUpload, number: number, bytes: Buffer): void {
    upload.chunks.set(number, bytes);
    const stagedBytes = [...upload.chunks.values()].reduce((sum, chunk) => sum + chunk.length, 0);
    for (const id of upload.transferIds) {
      if (transfers.get(id)?.phase === 'canceled') continue;
      change(id, { stagedBytes });
      if (options.delivers) move(id, stagedBytes);
    }
  }

  /** Delivers the first `movedBytes` of a transfer that is not paused. */
  function move(id: string, movedBytes: number): void {
    const transfer = transfers.get(id);
    if (!transfer || transfer.wish === 'pause') return;
    const { sizeBytes, partCount, path, name } = transfer;
    if (movedBytes < sizeBytes) {
      const partsDone = Math.floor((movedBytes / sizeBytes) * partCount);
      const startedAt = transfer.startedAt ?? now();
      change(id, { phase: 'moving', status: 'uploading', movedBytes, partsDone, startedAt });
      return;
    }
    const receipt = { evidence: 'A' as const, sizeBytes, location: `${path}/${name}`.replace('//', '/') };
    change(id, { phase: 'done', status: 'success', movedBytes, partsDone: partCount, receipt, endedAt: now() });
  }

  function remove(upload: FakeUpload): void {
    for (const id of upload.transferIds) change(id, { phase: 'canceled', status: 'cancelled', endedAt: now() });
    uploads.set(upload.view.id, { ...upload, view: { ...upload.view, phase: 'removed' }, chunks: new Map() });
  }

  /** Puts a transfer there, with an upload or without. */
  function plant(part: Partial<TransferView>): TransferView {
    const view = { ...blankTransfer(), ...part };
    transfers.set(view.id, view);
    tell([view]);
    return view;
  }

  /** Changes a transfer, raises its rank, and tells the sockets. */
  function change(id: string, part: Partial<TransferView>): TransferView {
    const before = transfers.get(id);
    if (!before) throw new Error(`no transfer ${id}`);
    const view = { ...before, ...part, rank: [(before.rank[0] ?? 0) + 1] };
    transfers.set(id, view);
    tell([view]);
    return view;
  }

  function takeFault(method: string, path: string): Fault | undefined {
    const fault = faults.find((one) => one.times > 0 && one.method === method && path.includes(one.path ?? ''));
    if (fault) fault.times -= 1;
    return fault;
  }

  const state = {
    options,
    uploads,
    transfers,
    destinations,
    agents,
    alerts,
    histories,
    asksOf,
    links: fakeLinks(),
    tickets,
    socketTickets: new Set<string>(),
    faults,
  };
  const verbs = { addDestination, create, sign, stage, move, remove, plant, change, takeFault };
  const log: string[] = [];
  return { ...state, ...verbs, log, events: new EventEmitter(), hanging: new Set<ServerResponse>() };
}

export function blankTransfer(): TransferView {
  return {
    id: TransferId.parse(`trf_${ulid()}`),
    uploadId: UploadId.parse(`upl_${ulid()}`),
    destinationId: 'nas',
    path: '/',
    name: 'file.bin',
    status: 'pending',
    phase: 'staging',
    wish: null,
    sizeBytes: 0,
    stagedBytes: 0,
    movedBytes: 0,
    partCount: 1,
    partsDone: 0,
    speedBytesPerSecond: 0,
    etaSeconds: null,
    attempt: 1,
    rank: [1],
    error: null,
    receipt: null,
    instant: false,
    createdAt: now(),
    startedAt: null,
    endedAt: null,
  };
}

export function now(): string {
  return new Date().toISOString();
}

export function later(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}
