/**
 * Whether a file is in the cloud. What CloudDrive2 was given lies on its own disk first, and is shown in its tree at once: only
 * its task list, and hashes that the cloud tells, say more.
 */
import type { CloudDrive2Client } from '#clients/clouddrive2/client.ts';
import type { FileEntry } from '#clients/clouddrive2/files.ts';
import { splitPath } from '#clients/clouddrive2/paths.ts';
import { isFinal } from '#clients/clouddrive2/statuses.ts';
import type { TransferTask } from '#clients/clouddrive2/tasks.ts';
import { Fault } from '#core/fault.ts';
import type { Item } from '#core/ports/provider.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import { AREA, faultOfEnd } from './faults.ts';
import { folderOf, joined, type Link, temporaryName } from './link.ts';
import type { Patience } from './patience.ts';
import { type CloudDrive2Session, remoteIdOf } from './session.ts';

/** `absent`: neither the file nor a task that would bring it. */
export type Standing =
  | { readonly kind: 'complete'; readonly receipt: Receipt }
  | { readonly kind: 'settling'; readonly lookAgainMs: number }
  | { readonly kind: 'absent' };

export const LOOK_AGAIN_MS = 3_000;

/** A file that stands there, and that no task speaks of for so long, has arrived. Some servers drop finished tasks from their list. */
const QUIET_MS = 10_000;

/** Of a file that was copied into a mount or put by WebDAV. Throws the Fault with which the server gave it up. */
export async function standing(
  link: Link,
  session: CloudDrive2Session,
  item: Item,
  waiting: Patience,
  signal: AbortSignal,
): Promise<Standing> {
  const folder = folderOf(link, item);
  const path = joined(folder, session.name);
  const id = remoteIdOf(session);
  return link.call(async (client) => {
    // Just after a renaming the server may speak of the old name.
    const paths = [path, joined(folder, temporaryName(item))];
    const tasks = (await tasksOf(client, item, [session.name, temporaryName(item)], signal)).filter((task) =>
      paths.some((one) => task.path.endsWith(one)),
    );
    if (tasks.some(({ state }) => !isFinal(state))) {
      waiting.forget(id);
      return { kind: 'settling', lookAgainMs: LOOK_AGAIN_MS };
    }
    const file = await fileAt(client, session, item, path, signal);
    const isTold = tasks.some(({ state }) => state === 'finished' || state === 'skipped');
    if (file !== null && !file.isLocal) {
      const receipt = receiptOf(session, item, file, path);
      if (isTold || receipt.evidence === 'A' || waiting.waitedMs(id) >= QUIET_MS) return { kind: 'complete', receipt };
    }
    if (file !== null || isTold) return { kind: 'settling', lookAgainMs: LOOK_AGAIN_MS };
    for (const { state, errorMessage } of tasks) {
      if (state === 'failed' || state === 'refused' || state === 'ignored' || state === 'canceled') {
        // A person can send it on from CloudDrive2's own list, so that the file stays where it is.
        throw faultOfEnd(state, errorMessage, 'transient');
      }
    }
    return { kind: 'absent' };
  }, signal);
}

/** Tasks of files of this size, under any of the names; none for a token that may not see them. */
export async function tasksOf(
  client: CloudDrive2Client,
  { sizeBytes }: Item,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly TransferTask[]> {
  const found: TransferTask[] = [];
  try {
    for (const name of new Set(names)) {
      for await (const task of client.taskList({ name }, signal)) {
        if (task.sizeBytes === sizeBytes && found.length < TASKS_MAX) found.push(task);
      }
    }
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== `${AREA}.no_right`) throw error;
  }
  return found;
}

const TASKS_MAX = 1_000;

/** The file at the path when it is the item, as far as can be seen. Throws Fault `gone` when the cloud tells another hash. */
export async function fileAt(
  client: CloudDrive2Client,
  { replaces }: Pick<CloudDrive2Session, 'replaces'>,
  item: Item,
  path: string,
  signal: AbortSignal,
): Promise<FileEntry | null> {
  const isItem = (file: FileEntry | null): file is FileEntry =>
    file !== null &&
    !file.isFolder &&
    file.sizeBytes === item.sizeBytes &&
    // The one that was there before has the same size.
    (replaces === null ||
      replaces.sizeBytes !== file.sizeBytes ||
      replaces.modifiedAtMs === null ||
      replaces.modifiedAtMs !== file.modifiedAtMs);
  const cached = await client.fsStat(path, signal);
  const file = isItem(cached) ? cached : await freshly(client, path, signal);
  if (!isItem(file)) return null;
  if (comparison(file, item) === 'differs') {
    throw new Fault(
      'gone',
      `${AREA}.content_differs`,
      'the cloud tells another hash than ours: the file is sent again',
    );
  }
  return file;
}

/** Evidence A when the cloud tells a hash of the whole file that we know as well, C when only the sizes could be compared. */
export function receiptOf(session: CloudDrive2Session, item: Item, file: FileEntry, path: string): Receipt {
  const checkedBy = comparison(file, item);
  return {
    evidence: checkedBy === 'unknown' ? 'C' : 'A',
    sizeBytes: item.sizeBytes,
    location: `clouddrive2:${path}`,
    remoteId: remoteIdOf(session),
    checkedBy: checkedBy === 'unknown' ? 'size' : checkedBy,
    ...(checkedBy === 'sha1' || checkedBy === 'md5' ? { told: { [checkedBy]: item.digests[checkedBy] } } : {}),
  };
}

function comparison({ hashes }: FileEntry, { digests }: Item): 'sha1' | 'md5' | 'unknown' | 'differs' {
  for (const algorithm of ['sha1', 'md5'] as const) {
    const [theirs, ours] = [hashes[algorithm], digests[algorithm]];
    if (theirs === undefined || ours === undefined) continue;
    return theirs.toLowerCase() === ours ? algorithm : 'differs';
  }
  return 'unknown';
}

/** The server remembers folders: a listing that asks the cloud is the last word. */
async function freshly(client: CloudDrive2Client, path: string, signal: AbortSignal): Promise<FileEntry | null> {
  const { folder, name } = splitPath(path);
  try {
    for await (const entry of client.fsList(folder, 'fresh', signal)) if (entry.name === name) return entry;
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== `${AREA}.not_found`) throw error;
  }
  return null;
}
