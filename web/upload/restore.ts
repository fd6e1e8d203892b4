/** Uploads that an earlier visit left unfinished, and how they go on. */
import { UploadError } from './error.ts';
import { difference, type Fingerprint, fingerprint } from './fingerprint.ts';
import type { UploadRecord } from './record.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * `ready`: the file can be read now · `ask`: one click, the browser then asks for permission · `file`: the browser keeps
 * no handles, the person picks the file again.
 */
export type RestoreWay = 'ready' | 'ask' | 'file';

export interface Unfinished {
  readonly record: UploadRecord;
  readonly way: RestoreWay;
}

/** Which visits are alive: another tab at work on its uploads is no earlier visit. */
export type LiveVisits = () => Promise<ReadonlySet<string>>;

export async function unfinished(around: Surroundings, liveVisits: LiveVisits): Promise<readonly Unfinished[]> {
  const [records, live] = await Promise.all([around.records.list(around.nowMs()), liveVisits()]);
  const left = records.filter(({ visit }) => visit !== around.visit && !live.has(visit));
  return Promise.all(left.map(async (record) => ({ record, way: await wayOf(record.handle) })));
}

/**
 * The file behind a record's handle. To be called from a click, because the browser may ask for permission. Rejects with
 * `client.permission` when that is refused, with `client.file_changed` when the file is gone.
 */
export async function fileOfHandle(handle: FileSystemFileHandle): Promise<File> {
  const has = (await permission(handle, 'queryPermission')) === 'granted';
  if (!has && (await permission(handle, 'requestPermission')) !== 'granted') {
    throw new UploadError('client.permission', 'the browser was not allowed to read the file');
  }
  try {
    return await handle.getFile();
  } catch (cause) {
    throw new UploadError('client.file_changed', 'the file is no longer where it was', { cause });
  }
}

/**
 * Takes the record over and answers it, ready for the queue. Rejects with `client.file_differs` before anything is sent
 * when `file` is not the file the upload was begun with, and with `client.busy_elsewhere` when another tab was faster.
 */
export async function takeOver(around: Surroundings, record: UploadRecord, file: File): Promise<UploadRecord> {
  if (record.begun) await assertSameFile(record.begun.fingerprint, file);
  if (!(await around.records.claim(record.key, record.visit, around.visit))) {
    throw new UploadError('client.busy_elsewhere', 'another tab goes on with this upload');
  }
  const own = { ...record, visit: around.visit };
  if (record.begun) return own;
  // Nothing was sent yet, so the file may have changed since.
  const fresh = { ...own, sizeBytes: file.size, lastModifiedMs: file.lastModified };
  await around.records.put([fresh]);
  return fresh;
}

/** Pairs files picked again with records: by name and size, a better match of folder and date first. */
export function pairFiles(
  records: readonly UploadRecord[],
  files: readonly { readonly file: File; readonly folder: string }[],
): { pairs: readonly { record: UploadRecord; file: File }[]; strangers: readonly File[] } {
  const left = new Set(records);
  const strangers: File[] = [];
  const pairs: { record: UploadRecord; file: File }[] = [];
  for (const { file, folder } of files) {
    const name = file.name.normalize('NFC');
    const named = [...left].filter((record) => record.name === name && record.sizeBytes === file.size);
    const score = (record: UploadRecord) =>
      Number(record.folder === folder.normalize('NFC')) + Number(record.lastModifiedMs === file.lastModified);
    const record = named.sort((a, b) => score(b) - score(a))[0];
    if (!record) {
      strangers.push(file);
      continue;
    }
    left.delete(record);
    pairs.push({ record, file });
  }
  return { pairs, strangers };
}

/** Forgets a record; an upload that was begun is dropped by the server too. */
export async function abandon(around: Surroundings, record: UploadRecord): Promise<void> {
  await around.records.remove([record.key]);
  // When this call fails the upload expires by itself a week later.
  if (record.begun) await around.api.removeUpload(record.begun.uploadId).catch(() => undefined);
}

async function assertSameFile(begunWith: Fingerprint, file: File): Promise<void> {
  const print = await fingerprint(file).catch((cause: unknown) => {
    throw new UploadError('client.file_changed', 'the file cannot be read', { cause });
  });
  const by = difference(begunWith, print);
  if (by !== null) throw new UploadError('client.file_differs', `this is another file (${by})`);
}

async function wayOf(handle: FileSystemFileHandle | null): Promise<RestoreWay> {
  if (!handle) return 'file';
  return (await permission(handle, 'queryPermission')) === 'granted' ? 'ready' : 'ask';
}

/** Not in TypeScript's DOM library: Chromium alone has it. */
async function permission(handle: FileSystemFileHandle, method: 'queryPermission' | 'requestPermission') {
  const ask = Reflect.get(handle, method);
  return typeof ask === 'function' ? await ask.call(handle, { mode: 'read' }) : 'granted';
}
