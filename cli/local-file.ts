/** A file on this machine, read in ranges while nobody changes it. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createCRC64 } from 'hash-wasm';
import type { DigestAlgorithm } from '#core/wire/digest.ts';
import { Problem } from './problem.ts';

export interface LocalFile {
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  /** Bytes [start, end), fewer only if the file became shorter; any number of readings at once. Throws Problems. */
  read(start: number, end: number): AsyncGenerator<Uint8Array>;
  /** In lower-case hex, of bytes [start, end). */
  digest(algorithm: DigestAlgorithm, start: number, end: number): Promise<string>;
  /** Throws Problem `file.changed` when size or time of the file are not those it was opened with. */
  assertUnchanged(): Promise<void>;
  close(): Promise<void>;
}

const READ_BYTES = 256 * 1024;

/** Throws Problem `file.not_regular` for a folder, a device or a pipe. */
export async function openLocalFile(path: string): Promise<LocalFile> {
  // A pipe without a writer would be waited for, and not even a signal would end that.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return await localFile(handle);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function localFile(handle: FileHandle): Promise<LocalFile> {
  const first = await handle.stat();
  if (!first.isFile()) throw new Problem('file.not_regular', 'this is no regular file');

  async function* read(start: number, end: number): AsyncGenerator<Uint8Array> {
    for (let at = start; at < end; ) {
      // A fresh buffer each time: the one before may still wait in a connection.
      const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, end - at));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at).catch((error: NodeJS.ErrnoException) => {
        throw new Problem('file.unreadable', `the file cannot be read: ${error.code}`);
      });
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  }

  return {
    sizeBytes: first.size,
    modifiedAtMs: first.mtimeMs,
    read,
    digest: async (algorithm, start, end) => {
      const hash = await hasher(algorithm);
      for await (const bytes of read(start, end)) hash.update(bytes);
      return hash.digest('hex');
    },
    assertUnchanged: async () => {
      const now = await handle.stat();
      if (now.size !== first.size || now.mtimeMs !== first.mtimeMs) {
        throw new Problem('file.changed', 'the file changed while it was sent: run the command again');
      }
    },
    close: () => handle.close(),
  };
}

interface Hasher {
  update(bytes: Uint8Array): unknown;
  digest(as: 'hex'): string;
}

async function hasher(algorithm: DigestAlgorithm): Promise<Hasher> {
  if (algorithm === 'crc64') return (await createCRC64()).init();
  if (algorithm === 'crc64nvme') return (await createCRC64('9a6c9329ac4bc9b5')).init();
  return createHash(algorithm);
}
