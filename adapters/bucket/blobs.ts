/**
 * The folder of immutable files that hold bodies. A blob is written once, made durable, and only then named by the
 * index; a file that the index does not name is left over from a crash. Names are random, so nothing that a client
 * chooses ever reaches the file system.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { type FileHandle, open, readdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Sink } from './receive.ts';

export interface Blobs {
  /**
   * Runs `fill` with a sink and makes what it wrote durable. The name is null when nothing was written. When `fill`
   * throws, nothing stays behind.
   */
  write<T>(fill: (sink: Sink) => Promise<T>): Promise<{ readonly name: string | null; readonly result: T }>;
  open(name: string): Promise<FileHandle>;
  /** Removing a blob that is gone is no error: a sweep may have been first. */
  remove(names: readonly string[]): Promise<void>;
  /** Removes every blob that is not in `known`. To be called before anything is written. */
  sweep(known: ReadonlySet<string>): Promise<void>;
}

export async function openBlobs(root: string): Promise<Blobs> {
  // All folders exist from the start, so that a new blob costs one directory sync and not two.
  for (let shard = 0; shard < 256; shard++) mkdirSync(join(root, hex(shard)), { recursive: true });
  await syncFolder(root);
  await syncFolder(dirname(root));
  const pathOf = (name: string): string => join(root, name.slice(0, 2), name);

  async function removeOne(name: string): Promise<void> {
    try {
      await unlink(pathOf(name));
    } catch (error) {
      if (existsSync(pathOf(name))) throw error;
    }
  }

  return {
    async write(fill) {
      const name = randomBytes(16).toString('hex');
      let file: FileHandle | undefined;
      let named: Promise<void> | undefined;
      const batch = batchWriter(async () => {
        file = await open(pathOf(name), 'wx', 0o600);
        // The name is made durable while the bytes still arrive: behind them, this sync would wait for other blobs' data.
        named = syncFolder(join(root, name.slice(0, 2)));
        named.catch(() => undefined);
        return file;
      });
      try {
        const result = await fill(batch.sink);
        await batch.flush();
        if (file === undefined) return { name: null, result };
        await Promise.all([file.datasync(), named]);
        await file.close();
        return { name, result };
      } catch (error) {
        await batch.settle();
        await file?.close();
        await removeOne(name);
        throw error;
      }
    },
    open: (name) => open(pathOf(name), 'r'),
    async remove(names) {
      for (const name of names) await removeOne(name);
    },
    async sweep(known) {
      for (let shard = 0; shard < 256; shard++) {
        const names = await readdir(join(root, hex(shard)));
        for (const name of names) if (!known.has(name)) await removeOne(name);
      }
    },
  };
}

/** Bytes collected before a write; a second such batch may be on its way to the disk meanwhile. */
const BATCH_BYTES = 1024 * 1024;

/** Gathers small pieces into large writes, one in flight, and holds the producer back when the disk is slower. */
function batchWriter(create: () => Promise<FileHandle>) {
  let file: FileHandle | undefined;
  let batch: Buffer[] = [];
  let batchBytes = 0;
  let writing: Promise<void> = Promise.resolve();

  async function writeOut(pieces: Buffer[], sizeBytes: number): Promise<void> {
    file ??= await create();
    const { bytesWritten } = await file.writev(pieces);
    if (bytesWritten !== sizeBytes) throw new Error(`the disk took ${bytesWritten} of ${sizeBytes} bytes`);
  }

  async function flush(): Promise<void> {
    await writing;
    if (batchBytes === 0) return;
    writing = writeOut(batch, batchBytes);
    // A failure is reported by whoever awaits it next; until then it must not count as unhandled.
    writing.catch(() => undefined);
    batch = [];
    batchBytes = 0;
  }

  return {
    sink(bytes: Buffer): Promise<void> | void {
      batch.push(bytes);
      batchBytes += bytes.length;
      if (batchBytes >= BATCH_BYTES) return flush();
    },
    async flush(): Promise<void> {
      await flush();
      await writing;
    },
    /** Waits for the write in flight, whatever became of it. */
    settle: (): Promise<void> => writing.catch(() => undefined),
  };
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function hex(shard: number): string {
  return shard.toString(16).padStart(2, '0');
}
