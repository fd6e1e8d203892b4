/** Files of an owner that stay in the bucket: stored, found again by task and name, handed out by URL, removed. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import type { Cell, Cells } from '#core/ports/cells.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { FileHead, Files } from '#core/ports/files.ts';
import type { MultipartIntake } from '#core/ports/multipart.ts';
import type { RowKey } from '#core/ports/work-table.ts';
import type { FileKind } from '#core/wire/files.ts';
import { isoTime } from '#core/wire/time.ts';
import { bucketKeyOf, type FileFolders, type FilePlace, objectKeyOf, placeOf } from './key.ts';
import { storeStream } from './store-stream.ts';

export interface FileDesk {
  readonly files: Files;
  readonly multipart: MultipartIntake;
  readonly cells: Cells;
  readonly clock: Clock;
  readonly folders: FileFolders;
}

/** A file that is to come. */
export interface NewFile {
  readonly taskId: string;
  readonly name: string;
  readonly kind: FileKind;
  readonly contentType: string;
}

export interface Found {
  readonly objectKey: string;
  readonly place: FilePlace;
  readonly head: FileHead;
}

export interface Life {
  readonly ttlSeconds: number;
  readonly viewerHost?: string;
}

/** Fault `rejected` `file.too_large` for more than `sizeBytesMax`: then nothing is kept. */
export async function storeFile(
  desk: FileDesk,
  ownerId: string,
  file: NewFile,
  body: AsyncIterable<Uint8Array>,
  sizeBytesMax: number,
): Promise<Found> {
  const place = newPlace(desk, file);
  const objectKey = objectKeyOf(desk.folders, place);
  const key = bucketKeyOf(ownerId, objectKey);
  await storeStream(desk, { key, contentType: file.contentType, sizeBytesMax }, body);
  await remember(desk, ownerId, place);
  return findByKey(desk, ownerId, objectKey);
}

/** The file is known from now on, and found once it has been put. */
export async function uploadUrl(
  desk: FileDesk,
  ownerId: string,
  file: NewFile & { readonly sizeBytes: number | null },
  life: Life,
) {
  const place = newPlace(desk, file);
  const objectKey = objectKeyOf(desk.folders, place);
  const { contentType, sizeBytes } = file;
  const put = await desk.files.presignPut({ key: bucketKeyOf(ownerId, objectKey), contentType, sizeBytes, ...life });
  await remember(desk, ownerId, place);
  return { ...put, objectKey };
}

/** Looks first whether it is there: see `findByKey`. */
export async function downloadUrl(desk: FileDesk, ownerId: string, { objectKey }: Found, fileName: string, life: Life) {
  return desk.files.presignGet({ key: bucketKeyOf(ownerId, objectKey), fileName, ...life });
}

/** The newest of this name. Fault `rejected` `file.unknown` also when it was announced and never came. */
export async function findByTask(
  desk: FileDesk,
  ownerId: string,
  wanted: { readonly taskId: string; readonly name: string; readonly kind: FileKind | null },
): Promise<Found> {
  const kinds = wanted.kind === null ? (['result', 'scene'] as const) : [wanted.kind];
  const known = await Promise.all(kinds.map((kind) => recall(desk, ownerId, { ...wanted, kind })));
  const newestFirst = known.filter((each) => each !== null).sort((a, b) => b.at - a.at);
  for (const { place } of newestFirst) {
    const found = await lookAt(desk, ownerId, objectKeyOf(desk.folders, place));
    if (found !== null) return found;
  }
  throw unknownFile();
}

/** Fault `rejected` `file.unknown` where there is none, also for a key that is none of ours. */
export async function findByKey(desk: FileDesk, ownerId: string, objectKey: string): Promise<Found> {
  const found = await lookAt(desk, ownerId, objectKey);
  if (found === null) throw unknownFile();
  return found;
}

/** Fault `rejected` `file.unknown` when there was none. */
export async function removeFile(desk: FileDesk, ownerId: string, objectKey: string): Promise<void> {
  const { place } = await findByKey(desk, ownerId, objectKey);
  await desk.files.remove(bucketKeyOf(ownerId, objectKey));
  await forget(desk, ownerId, place);
}

/** By which day's folder a task's file is found: its key cannot be told from its name. */
const Remembered = z.object({ v: z.literal(1), date: z.string().regex(/^\d{8}$/), at: z.int() });
/** Attempts to write what somebody else writes too. */
const TRIES = 8;

function newPlace({ clock }: FileDesk, { kind, taskId, name }: NewFile): FilePlace {
  return { kind, taskId, name, date: isoTime(clock.now()).slice(0, 10).replaceAll('-', '') };
}

function cellKey(ownerId: string, { taskId, kind, name }: Omit<FilePlace, 'date'>): RowKey {
  return { pk: `FILE#${ownerId}`, sk: `${taskId}/${kind}/${name}` };
}

async function remember({ cells, clock }: FileDesk, ownerId: string, place: FilePlace): Promise<void> {
  const key = cellKey(ownerId, place);
  for (let tries = 0; tries < TRIES; tries++) {
    const cell = await cells.read(key);
    if (await cells.swap(key, cell?.v ?? 0, { v: 1, date: place.date, at: clock.now() })) return;
  }
  throw new Fault('transient', 'file.busy', 'this file is being changed from several sides: try again');
}

async function recall(desk: FileDesk, ownerId: string, file: Omit<FilePlace, 'date'>) {
  const cell: Cell | null = await desk.cells.read(cellKey(ownerId, file));
  if (cell === null) return null;
  const { date, at } = Remembered.parse(cell.value);
  const { kind, taskId, name } = file;
  return { at, place: { kind, taskId, name, date } };
}

/** One of another day stays known. */
async function forget({ cells }: FileDesk, ownerId: string, place: FilePlace): Promise<void> {
  const key = cellKey(ownerId, place);
  for (let tries = 0; tries < TRIES; tries++) {
    const cell = await cells.read(key);
    if (cell === null || Remembered.parse(cell.value).date !== place.date || (await cells.drop(key, cell.v))) return;
  }
}

async function lookAt({ files, folders }: FileDesk, ownerId: string, objectKey: string): Promise<Found | null> {
  const place = placeOf(folders, objectKey);
  if (place === null) return null;
  const head = await files.head(bucketKeyOf(ownerId, objectKey));
  return head && { objectKey, place, head };
}

function unknownFile(): Fault {
  return new Fault('rejected', 'file.unknown', 'there is no such file');
}
