/** All files of a page: which are worked on, in which order, and one quiet stream of changes for thousands of them. */
import type { DigestAsk } from '#core/wire/digest.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import { FileName } from '#core/wire/upload.ts';
import type { Algorithm, Hasher } from './instant.ts';
import type { UploadRecord } from './record.ts';
import { chunkSlots } from './slots.ts';
import type { Surroundings } from './surroundings.ts';
import { fileUpload, type Upload } from './upload.ts';
import { initialState, isEnd, isRunning, type UploadState } from './upload-state.ts';

export interface PickedFile {
  readonly file: File;
  /** Folder the file was picked with, no slash at either end. */
  readonly folder: string;
  readonly handle: FileSystemFileHandle | null;
}

export type Destinations = UploadRecord['destinations'];

/** A new object for each flush; `uploads` is in the order of adding. */
export interface QueueSnapshot {
  readonly uploads: readonly UploadState[];
  readonly byUploadId: ReadonlyMap<string, UploadState>;
}

export interface UploadQueue {
  add(files: readonly PickedFile[], destinations: Destinations): Promise<void>;
  /** Goes on with a record of an earlier visit whose file is at hand again; see `restore.ts`. */
  carryOn(record: UploadRecord, file: File): void;
  pause(key: string): void;
  resume(key: string): void;
  cancel(key: string): Promise<void>;
  /** Takes an ended or failed upload off the list, and forgets it. */
  dismiss(key: string): Promise<void>;
  /** The server's news of transfers: an upload that is delivered or canceled elsewhere needs no more bytes. */
  heed(transfers: readonly TransferView[]): void;
  answer(uploadId: string, asks: readonly DigestAsk[]): Promise<void>;
  snapshot(): QueueSnapshot;
  /** As it is now; a snapshot may be a flush behind. */
  current(key: string): UploadState | undefined;
  subscribe(listener: () => void): () => void;
  /** Resolves when nothing is queued or running. */
  idle(): Promise<void>;
}

export interface QueueOptions {
  readonly hasher: Hasher;
  /** Digests worth computing before a create for these destinations. */
  readonly claims: (destinations: Destinations) => readonly Algorithm[];
  readonly onTransfers: (transfers: readonly TransferView[]) => void;
}

/** Files worked on at once: enough to keep all places busy with files of one chunk, whose create and look take time too. */
const FILES_MAX = 8;
/** Changes reach the viewers at most this often. */
const FLUSH_MS = 200;

export function uploadQueue(around: Surroundings, options: QueueOptions): UploadQueue {
  const uploads = new Map<string, Upload>();
  const states = new Map<string, UploadState>();
  const keyOf = new Map<string, string>();
  const transfersOf = new Map<string, Map<string, TransferView>>();
  const queued = new Set<string>();
  const running = new Set<string>();
  const listeners = new Set<() => void>();
  const quiet = new Set<() => void>();
  const slots = chunkSlots(around, admitSoon);
  let shown: QueueSnapshot = { uploads: [], byUploadId: new Map() };
  let isFlushing = false;
  let isAdmitting = false;
  let orderNext = 0;

  function onChange(state: UploadState): void {
    states.set(state.key, state);
    if (state.uploadId) keyOf.set(state.uploadId, state.key);
    flushSoon();
  }

  function flushSoon(): void {
    if (isFlushing) return;
    isFlushing = true;
    around.timers.after(FLUSH_MS, flush);
  }

  function flush(): void {
    isFlushing = false;
    const all = [...states.values()];
    const byUploadId = new Map<string, UploadState>();
    for (const state of all) if (state.uploadId) byUploadId.set(state.uploadId, state);
    shown = { uploads: all, byUploadId };
    for (const listener of listeners) listener();
  }

  function enlist(record: UploadRecord, file: File): void {
    const order = orderNext;
    orderNext += 1;
    const needs = {
      around,
      slots,
      order,
      hasher: options.hasher,
      claims: options.claims(record.destinations),
      onChange,
      onTransfers,
    };
    uploads.set(record.key, fileUpload(needs, record, file));
    states.set(record.key, initialState(record, around.nowMs()));
    queued.add(record.key);
  }

  function admitSoon(): void {
    if (isAdmitting) return;
    isAdmitting = true;
    queueMicrotask(() => {
      isAdmitting = false;
      admit();
    });
  }

  /** The next file starts when the running ones leave places free: then a big file has them all, and small ones share. */
  function admit(): void {
    for (const key of queued) {
      const starting = [...running].filter((other) => states.get(other)?.phase !== 'sending').length;
      if (running.size >= FILES_MAX || slots.waiting > 0 || slots.inUse + starting >= slots.limit) break;
      queued.delete(key);
      running.add(key);
      void uploads
        .get(key)
        ?.run()
        .finally(() => {
          running.delete(key);
          admitSoon();
        });
    }
    if (queued.size === 0 && running.size === 0) for (const resolve of quiet) resolve();
  }

  function onTransfers(transfers: readonly TransferView[]): void {
    options.onTransfers(transfers);
  }

  function heed(transfers: readonly TransferView[]): void {
    for (const transfer of transfers) {
      const key = keyOf.get(transfer.uploadId);
      const upload = key === undefined ? undefined : uploads.get(key);
      if (!upload || isEnd(upload.state().phase)) continue;
      const known = transfersOf.get(transfer.uploadId) ?? new Map<string, TransferView>();
      transfersOf.set(transfer.uploadId, known.set(transfer.id, transfer));
      if (known.size < upload.state().destinations.length) continue;
      const phases = [...known.values()].map(({ phase }) => phase);
      if (phases.every((phase) => phase === 'canceled')) upload.settle('canceled');
      else if (phases.every((phase) => phase === 'canceled' || phase === 'done')) upload.settle('staged');
    }
  }

  return {
    async add(files, destinations) {
      const records = files.map((picked, index) => recordOf(around, picked, destinations, index));
      for (const [index, record] of records.entries()) {
        const picked = files[index];
        if (picked) enlist(record, picked.file);
      }
      flush();
      for (const record of records.filter(({ name }) => !FileName.safeParse(name).success)) refuseName(record);
      await around.records.put(records.filter(({ key }) => queued.has(key)));
      admitSoon();
    },
    carryOn(record, file) {
      enlist(record, file);
      flush();
      admitSoon();
    },
    pause(key) {
      queued.delete(key);
      uploads.get(key)?.pause();
      admitSoon();
    },
    resume(key) {
      const upload = uploads.get(key);
      upload?.resume();
      if (upload?.state().phase !== 'queued') return;
      queued.add(key);
      admitSoon();
    },
    async cancel(key) {
      queued.delete(key);
      await uploads.get(key)?.cancel();
      admitSoon();
    },
    async dismiss(key) {
      const phase = states.get(key)?.phase;
      if (phase === undefined || phase === 'queued' || isRunning(phase)) return;
      uploads.delete(key);
      states.delete(key);
      flush();
      await around.records.remove([key]);
    },
    heed,
    async answer(uploadId, asks) {
      const key = keyOf.get(uploadId);
      if (key !== undefined) await uploads.get(key)?.answer(asks);
    },
    snapshot: () => shown,
    current: (key) => states.get(key),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    idle() {
      if (queued.size === 0 && running.size === 0) return Promise.resolve();
      return new Promise((resolve) => {
        const once = () => {
          quiet.delete(once);
          resolve();
        };
        quiet.add(once);
      });
    },
  };

  function refuseName(record: UploadRecord): void {
    queued.delete(record.key);
    const error = { code: 'client.name', message: 'no destination takes a file of this name' };
    onChange({ ...initialState(record, around.nowMs()), phase: 'failed', error });
    uploads.delete(record.key);
  }
}

function recordOf(
  around: Surroundings,
  { file, folder, handle }: PickedFile,
  destinations: Destinations,
  index: number,
): UploadRecord {
  return {
    v: 1,
    key: around.newKey(),
    visit: around.visit,
    // Fractions of a millisecond keep the order in which files were picked.
    addedAtMs: around.nowMs() + index / 1000,
    name: file.name.normalize('NFC'),
    folder: folder.normalize('NFC'),
    sizeBytes: file.size,
    lastModifiedMs: file.lastModified,
    contentType: file.type,
    destinations: [...destinations],
    handle,
    begun: null,
  };
}
