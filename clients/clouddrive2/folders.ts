/** Makes a folder with everything above it. */
import { Fault } from '#core/fault.ts';
import { type Calls, SLOW } from './calls.ts';
import { AREA, mustSucceed } from './faults.ts';
import { type FileEntry, stat } from './files.ts';
import { service } from './interface.ts';
import { checkedPath, splitPath } from './paths.ts';

/** An existing folder is fine. Throws Fault `rejected` where a file or no cloud is in the way. */
export async function makeFolders(calls: Calls, path: string, signal: AbortSignal): Promise<void> {
  const levels = levelsOf(checkedPath(path));
  // From below, because most of the time only the last is missing.
  const missing: string[] = [];
  for (const level of levels.toReversed()) {
    const found = await stat(calls, level, signal);
    if (found !== null) {
      mustBeFolder(found);
      break;
    }
    missing.unshift(level);
  }
  if (missing[0] !== undefined && missing[0] === levels[0]) {
    // The server refuses folders right under its root, with a code that old servers use for calls that they do not know.
    throw new Fault('rejected', `${AREA}.no_cloud`, 'CloudDrive2 has no cloud of this name: a path begins with one');
  }
  for (const level of missing) await makeFolder(calls, level, signal);
}

async function makeFolder(calls: Calls, path: string, signal: AbortSignal): Promise<void> {
  const { folder: parentPath, name: folderName } = splitPath(path);
  try {
    const { result } = await calls.unary(service.CreateFolder, { parentPath, folderName }, SLOW, signal);
    mustSucceed('CreateFolder', result ?? { success: false }, result?.errorMessage ?? 'no result');
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== `${AREA}.exists`) throw error;
    const found = await stat(calls, path, signal);
    if (found !== null) mustBeFolder(found);
  }
}

function mustBeFolder({ isFolder }: FileEntry): void {
  if (!isFolder) throw new Fault('rejected', `${AREA}.not_a_folder`, 'a file stands where a folder is needed');
}

/** `/115/a/b` → `/115`, `/115/a`, `/115/a/b`. */
function levelsOf(path: string): readonly string[] {
  const names = path.split('/').slice(1);
  return path === '/' ? [] : names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
}
