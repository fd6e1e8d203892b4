/**
 * What this browser remembers of an upload that is not staged yet, so that a reload, a crash or a reboot loses nothing.
 * Not the bytes: where the browser has file handles (Chromium) the handle, elsewhere only enough to know the file again.
 */
import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import * as z from 'zod';
import { Fingerprint } from './fingerprint.ts';

/** Uploads expire 21 days after their creation; a record that is older leads nowhere. */
const RECORD_LIFE_MS = 21 * 24 * 3_600_000;

const Handle = z.custom<FileSystemFileHandle>((value) => typeof value === 'object' && value !== null);

export const UploadRecord = z.object({
  v: z.literal(1),
  /** Local id, and the Idempotency-Key of the create: a create whose answer was lost is repeated with it. */
  key: z.string(),
  /** The page visit that works on it. Another visit takes it over with `claim`. */
  visit: z.string(),
  addedAtMs: z.number(),
  name: z.string(),
  /** Folder the file was dropped with, no slash at either end: `trip/day 1`. */
  folder: z.string(),
  sizeBytes: z.int(),
  lastModifiedMs: z.number(),
  contentType: z.string(),
  /** `sender` is the name that goes with what is handed in by a link. */
  destinations: z.array(z.object({ id: z.string(), path: z.string(), sender: z.string().optional() })).min(1),
  handle: Handle.nullable(),
  /** The link that it is handed in by; absent: the owner's own. */
  link: z.string().optional(),
  /** Null until the upload has been begun; any version of the file may then be sent. */
  begun: z
    .object({ uploadId: z.string(), chunkBytes: z.int(), chunkCount: z.int(), fingerprint: Fingerprint })
    .nullable(),
});
export type UploadRecord = z.infer<typeof UploadRecord>;

/** Laws: `list` leaves out what it cannot read and what is too old. `claim` succeeds for one of several visits. */
export interface RecordStore {
  put(records: readonly UploadRecord[]): Promise<void>;
  list(nowMs: number): Promise<readonly UploadRecord[]>;
  remove(keys: readonly string[]): Promise<void>;
  /** True when the record was `from`'s and is `to`'s now. */
  claim(key: string, from: string, to: string): Promise<boolean>;
}

interface Schema extends DBSchema {
  uploads: { key: string; value: UploadRecord };
}

const NAME = 'entrepot';

/** In IndexedDB. Rejects where the browser keeps no data (some private windows): use `memoryRecords` then. */
export async function indexedDbRecords(): Promise<RecordStore> {
  const db: IDBPDatabase<Schema> = await openDB<Schema>(NAME, 1, {
    upgrade: (fresh) => {
      fresh.createObjectStore('uploads', { keyPath: 'key' });
    },
  });
  return {
    async put(records) {
      const tx = db.transaction('uploads', 'readwrite');
      await Promise.all([...records.map((record) => tx.store.put(record)), tx.done]);
    },
    async list(nowMs) {
      return readable(await db.getAll('uploads'), nowMs);
    },
    async remove(keys) {
      const tx = db.transaction('uploads', 'readwrite');
      await Promise.all([...keys.map((key) => tx.store.delete(key)), tx.done]);
    },
    async claim(key, from, to) {
      const tx = db.transaction('uploads', 'readwrite');
      const record = await tx.store.get(key);
      const isFree = record?.visit === from;
      if (record && isFree) await tx.store.put({ ...record, visit: to });
      await tx.done;
      return isFree;
    },
  };
}

/** For as long as the page lives. */
export function memoryRecords(): RecordStore {
  const records = new Map<string, UploadRecord>();
  return {
    async put(fresh) {
      for (const record of fresh) records.set(record.key, record);
    },
    async list(nowMs) {
      return readable([...records.values()], nowMs);
    },
    async remove(keys) {
      for (const key of keys) records.delete(key);
    },
    async claim(key, from, to) {
      const record = records.get(key);
      if (record?.visit !== from) return false;
      records.set(key, { ...record, visit: to });
      return true;
    },
  };
}

/** The records of one link alone; for null those of the owner's own uploads. */
export function recordsOf(store: RecordStore, link: string | null): RecordStore {
  return {
    ...store,
    put: (records) => store.put(link === null ? records : records.map((record) => ({ ...record, link }))),
    list: async (nowMs) => (await store.list(nowMs)).filter((record) => (record.link ?? null) === link),
  };
}

function readable(values: readonly unknown[], nowMs: number): UploadRecord[] {
  return values
    .map((value) => UploadRecord.safeParse(value))
    .flatMap((parsed) => (parsed.success ? [parsed.data] : []))
    .filter((record) => nowMs - record.addedAtMs < RECORD_LIFE_MS)
    .sort((a, b) => a.addedAtMs - b.addedAtMs);
}
