/** Room on the disk, and whether it may be written to at all. */
import { constants } from 'node:fs';
import { open, statfs, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fsAsk, fsCall } from './faults.ts';

/** Fixed, so that a probe which a crash left behind is used again and then removed. */
const PROBE_NAME = '.entrepot-probe';

/** Bytes that this process may still write. A file system that cannot say (some FUSE mounts) counts as unlimited. */
export async function freeBytes(directory: string): Promise<number> {
  const stats = await fsCall('asking for free space', statfs(directory, { bigint: true }));
  return stats.blocks === 0n ? Number.POSITIVE_INFINITY : Number(stats.bavail * stats.bsize);
}

/** Writes, syncs and removes a small file. */
export async function probe(directory: string): Promise<void> {
  const path = join(directory, PROBE_NAME);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  const handle = await fsCall('making a probe file', open(path, flags));
  try {
    await fsCall('writing a probe file', handle.writeFile('entrepot\n'));
    await fsCall('syncing a probe file', handle.sync());
  } finally {
    await handle.close();
    // Another check at the same moment may have removed it already.
    await fsAsk('removing a probe file', unlink(path), 'ENOENT');
  }
}
