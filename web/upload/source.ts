/** The file being sent, and whether it is still the one that was picked. */
import { UploadError } from './error.ts';
import { difference, type Fingerprint, fingerprint } from './fingerprint.ts';

export interface Source {
  readonly file: File;
  readonly handle: FileSystemFileHandle | null;
}

/** The fingerprint of a file. Throws `client.file_changed` when it can no longer be read as it was picked. */
export async function fingerprintOf(source: Source): Promise<Fingerprint> {
  return readable(() => fingerprint(source.file));
}

/** Throws `client.file_changed` unless the file on disk is still `first`. Reads 192 KiB at most. */
export async function assertUnchanged(source: Source, first: Fingerprint): Promise<void> {
  const { handle } = source;
  // A File is a snapshot: its size and date stay those of the moment it was picked. Only a handle sees the disk.
  const now = handle ? await readable(() => handle.getFile()) : source.file;
  if (difference(first, await readable(() => fingerprint(now))) !== null) throw changed();
}

/** Throws `client.file_changed` when [start, start + 1) cannot be read: browsers refuse snapshots of changed files. */
export async function assertReadable(source: Source, start: number): Promise<void> {
  await readable(() => source.file.slice(start, start + 1, '').arrayBuffer());
}

async function readable<Value>(read: () => Promise<Value>): Promise<Value> {
  try {
    return await read();
  } catch (cause) {
    throw changed(cause);
  }
}

function changed(cause?: unknown): UploadError {
  return new UploadError('client.file_changed', 'the file on disk changed or went while it was being sent', { cause });
}
