/** What a file system refuses, in words that say what to do. Messages name no path: they are shown and logged. */
import { Fault, type FaultKind } from '#core/fault.ts';

/** Runs one file system call. `doing` completes "while …" in the message. Throws the Fault that its errno stands for. */
export async function fsCall<T>(doing: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw fsFault(error, doing);
  }
}

/** As `fsCall`, but answers null for the given errno names: they are an answer here, not a failure. */
export async function fsAsk<T>(doing: string, call: Promise<T>, ...expected: readonly string[]): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (expected.includes(errno(error))) return null;
    throw fsFault(error, doing);
  }
}

/** The errno's name, or the empty string for anything that is no system error. */
export function errno(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

export function fsFault(error: unknown, doing: string): Fault {
  if (error instanceof Fault) return error;
  const name = errno(error);
  const known = KNOWN.get(name);
  if (!known)
    return new Fault('transient', 'unknown', `${name || 'an unknown error'} while ${doing}`, { cause: error });
  return new Fault(known.kind, known.code, `${known.message} (${name} while ${doing})`, { cause: error });
}

export function sessionGone(): Fault {
  return new Fault('gone', 'folder.session_gone', 'the unfinished file is no longer there: it is sent again');
}

export function pathEscape(what: string): Fault {
  return new Fault('rejected', 'folder.path_escape', `${what}: nothing is written outside the destination's root`);
}

export function rootMissing(cause?: unknown): Fault {
  return new Fault(
    'transient',
    'folder.root_missing',
    'the root of this destination is not there: mount the disk or share again, the transfer then goes on',
    { cause },
  );
}

export function diskFull(cause?: unknown): Fault {
  return new Fault(
    'rejected',
    'folder.disk_full',
    'the disk or its quota is full: free some space, then press retry; what has arrived is kept and not sent again',
    { cause },
  );
}

interface Known {
  readonly kind: FaultKind;
  readonly code: string;
  readonly message: string;
}

const full: Known = { kind: 'rejected', code: diskFull().code, message: diskFull().message };
const denied: Known = {
  kind: 'auth',
  code: 'folder.not_writable',
  message: 'this folder may not be written to: give the service write permission, then press retry',
};
const broken: Known = { kind: 'transient', code: 'folder.io', message: 'the disk or share failed' };
const busy: Known = { kind: 'transient', code: 'folder.busy', message: 'the system is out of some resource' };

const KNOWN: ReadonlyMap<string, Known> = new Map<string, Known>([
  ['ENOSPC', full],
  ['EDQUOT', full],
  ['EACCES', denied],
  ['EPERM', denied],
  ['EROFS', denied],
  ['EIO', broken],
  // A mount whose server or daemon has gone away: NFS, FUSE, a pulled disk.
  ['ESTALE', broken],
  ['ENOTCONN', broken],
  ['ECONNABORTED', broken],
  ['ETIMEDOUT', broken],
  ['EHOSTDOWN', broken],
  ['EREMOTEIO', broken],
  ['ENODEV', broken],
  ['ENXIO', broken],
  ['EMFILE', busy],
  ['ENFILE', busy],
  ['ENOMEM', busy],
  ['EBUSY', busy],
  ['EAGAIN', busy],
  [
    'ENAMETOOLONG',
    { kind: 'rejected', code: 'folder.name_too_long', message: 'the name or path is too long for this file system' },
  ],
  [
    'EFBIG',
    { kind: 'rejected', code: 'folder.file_too_large', message: 'the file is larger than this file system takes' },
  ],
  // exFAT and NTFS refuse names with : ? * and their like this way.
  ['EINVAL', { kind: 'rejected', code: 'folder.name_refused', message: 'this file system refuses the name' }],
  ['EILSEQ', { kind: 'rejected', code: 'folder.name_refused', message: 'this file system refuses the name' }],
  ['ENOTDIR', { kind: 'rejected', code: 'folder.not_a_directory', message: 'a file stands where a folder is needed' }],
  // O_NOFOLLOW met a link where our own file should be.
  ['ELOOP', { kind: 'rejected', code: pathEscape('').code, message: 'a link stands where a file of ours should be' }],
]);
