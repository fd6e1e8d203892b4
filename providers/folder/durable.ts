/** Directory entries that survive a crash. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errno, fsCall, fsFault } from './faults.ts';

/** Shares and FUSE mounts that cannot sync a directory say so in one of these ways; there is nothing more to ask of them. */
const CANNOT_SYNC = ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EBADF', 'EISDIR'];

/** Makes creations, renames and removals in `directory` durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const doing = 'syncing the folder';
  const handle = await fsCall(doing, open(directory, constants.O_RDONLY | constants.O_DIRECTORY));
  try {
    await handle.sync();
  } catch (error) {
    if (!CANNOT_SYNC.includes(errno(error))) throw fsFault(error, doing);
  } finally {
    await handle.close();
  }
}
