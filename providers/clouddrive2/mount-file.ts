/** One file in a mount: written under a temporary name, synced, read back, and only then given its name. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '#core/fault.ts';
import type { Item } from '#core/ports/provider.ts';
import type { ByteRange } from '#core/ports/staging.ts';
import { chunksOf } from './chunks.ts';
import { AREA, errno, exists, fsFault, nameTaken, sessionGone } from './faults.ts';
import { temporaryName } from './link.ts';
import type { Sink } from './puller.ts';
import type { MountSession } from './session.ts';

const MIB = 1024 * 1024;

/** Small enough that a file begins to flow while it is staged. */
const ASK_BYTES = 4 * MIB;
/** Large enough that syncing costs little. */
const SYNC_BYTES = 16 * MIB;
const READ_BYTES = MIB;

/** A link where our file should be is refused, not followed. */
const UNFINISHED = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

/** Makes the unfinished file, or takes the one that an earlier opening left: the bytes of a transfer never change. */
export async function unfinishedIn(directory: string, item: Item): Promise<void> {
  const file = await doing('making the unfinished file', open(join(directory, temporaryName(item)), UNFINISHED, 0o666));
  await file.close();
}

/** How much of it is sure to be there; null without it. Of the full runs the last one may not have been synced. */
export async function heldIn(directory: string, item: Item): Promise<number | null> {
  const stats = await unlessMissing('looking for the unfinished file', lstat(join(directory, temporaryName(item))));
  if (stats === null) return null;
  const runs = Math.floor(Math.min(stats.size, item.sizeBytes) / SYNC_BYTES);
  return Math.max(0, runs - 1) * SYNC_BYTES;
}

export async function removeUnfinished(directory: string, item: Item): Promise<void> {
  await unlessMissing('removing the unfinished file', unlink(join(directory, temporaryName(item))));
}

export function mountSink(directory: string, session: MountSession, item: Item): Sink {
  const temporary = join(directory, temporaryName(item));
  const target = join(directory, session.name);
  let opened: Promise<FileHandle> | null = null;

  function file(): Promise<FileHandle> {
    opened ??= openUnfinished(temporary);
    opened.catch(() => {
      opened = null;
    });
    return opened;
  }

  async function close(): Promise<void> {
    const before = opened;
    opened = null;
    if (before === null) return;
    const handle = await before.catch(() => null);
    if (handle !== null) await doing('closing the file', handle.close());
  }

  return {
    askBytes: ASK_BYTES,
    manner: 'resumable',
    // A session whose file is gone is found out by the first range.
    held: async () => (await heldIn(directory, item)) ?? 0,
    write: async (range, bytes, signal) => {
      const handle = await file();
      await pour(handle, range, bytes, signal);
      if (run(range.start) < run(range.end)) await doing('syncing the file', handle.sync());
    },
    finish: async (signal) => {
      const handle = await file();
      if (!(await isItem(handle, item, signal))) {
        await close();
        await removeUnfinished(directory, item);
        throw new Fault(
          'gone',
          `${AREA}.content_differs`,
          'the mount gives back other bytes than were sent: sent again',
        );
      }
      await doing('syncing the file', handle.sync());
      // Closed before it is renamed: the server takes a file when it is closed.
      await close();
      if (session.replaces === null && (await unlessMissing('looking at the name', lstat(target))) !== null) {
        throw nameTaken();
      }
      await rename(temporary, target).catch((error: unknown) => {
        if (errno(error) === 'EISDIR') throw exists();
        throw fsFault(error, 'naming the file');
      });
    },
    close,
  };
}

function run(offset: number): number {
  return Math.floor(offset / SYNC_BYTES);
}

async function openUnfinished(path: string): Promise<FileHandle> {
  const handle = await unlessMissing(
    'opening the unfinished file',
    open(path, constants.O_RDWR | constants.O_NOFOLLOW),
  );
  if (handle === null) throw sessionGone();
  return handle;
}

async function pour(
  file: FileHandle,
  { start, end }: ByteRange,
  bytes: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  let at = start;
  for await (const chunk of chunksOf(bytes, signal)) {
    if (at + chunk.length > end) break;
    for (let written = 0; written < chunk.length; ) {
      const { bytesWritten } = await doing('writing', file.write(chunk, written, chunk.length - written, at + written));
      written += bytesWritten;
    }
    at += chunk.length;
  }
  if (at === end) return;
  throw new Fault(
    'transient',
    `${AREA}.source_length`,
    'the source does not have exactly the bytes that were asked for',
  );
}

/** Size, and the hash where one is known, of what the file system gives back. */
async function isItem(file: FileHandle, { sizeBytes, digests }: Item, signal: AbortSignal): Promise<boolean> {
  const { size } = await doing('looking at the file', file.stat());
  if (size !== sizeBytes) return false;
  const algorithm = (['sha1', 'md5', 'sha256'] as const).find((name) => digests[name] !== undefined);
  if (algorithm === undefined) return true;
  const hash = createHash(algorithm);
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (let at = 0; at < sizeBytes; ) {
    signal.throwIfAborted();
    const { bytesRead } = await doing('reading the file back', file.read(buffer, 0, buffer.length, at));
    if (bytesRead === 0) return false;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash.digest('hex') === digests[algorithm];
}

async function doing<T>(what: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw fsFault(error, what);
  }
}

async function unlessMissing<T>(what: string, call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (errno(error) === 'ENOENT') return null;
    throw fsFault(error, what);
  }
}
