/** What goes wrong between us and a CloudDrive2, in words that say what to do. Messages name no path and no address. */
import type { Diagnosis } from '#clients/clouddrive2/server.ts';
import { Fault, type FaultKind } from '#core/fault.ts';

export const AREA = 'clouddrive2';

const KINDS: Readonly<Record<Exclude<Diagnosis['kind'], 'fine'>, FaultKind>> = {
  down: 'transient',
  unreachable: 'transient',
  silent: 'transient',
  starting: 'transient',
  auth: 'auth',
};

/** Null for a server with which nothing is the matter. */
export function faultOfDiagnosis({ kind, message }: Diagnosis): Fault | null {
  return kind === 'fine' ? null : new Fault(KINDS[kind], `${AREA}.${kind}`, message.slice(0, 300));
}

/** `again`: what to do about a failure that may pass. */
export function faultOfEnd(
  state: 'canceled' | 'ignored' | 'failed' | 'refused',
  text: string,
  again: 'gone' | 'transient',
): Fault {
  const said = text === '' ? '' : `: ${withoutAddresses(text)}`;
  if (state === 'canceled') {
    return new Fault(
      'rejected',
      `${AREA}.canceled_there`,
      'the upload was canceled in CloudDrive2: retry sends it again',
    );
  }
  if (state === 'ignored') {
    const rule = 'CloudDrive2 ignores this file by a rule of its own: change the rule there, then press retry';
    return new Fault('rejected', `${AREA}.ignored`, `${rule}${said}`);
  }
  const known = state === 'failed' ? FAILURES.find(({ pattern }) => pattern.test(text)) : REFUSED;
  if (known !== undefined) return new Fault('rejected', `${AREA}.${known.code}`, `${known.text}${said}`);
  return new Fault(again, `${AREA}.upload_failed`, `CloudDrive2 could not bring the file to its cloud${said}`);
}

const REFUSED = { code: 'refused_by_cloud', text: 'the cloud behind CloudDrive2 refuses this file' };

/** Clouds say it in words of their own; what another try cannot mend is known by these. */
const FAILURES = [
  {
    pattern: /no space|not enough space|insufficient|quota|容量|空间不足/i,
    code: 'full',
    text: 'the cloud has no space left',
  },
  { pattern: /too large|exceeds?|超过|超出/i, code: 'too_large', text: 'the file is larger than the cloud takes' },
  { pattern: /upgrade|newest version|升级/i, code: 'outdated', text: 'the cloud wants a newer CloudDrive2: update it' },
  { pattern: /illegal|forbidden|violat|sensitive|违规|敏感/i, ...REFUSED },
];

/** The system's own name of what failed on a file of a mount. */
export function fsFault(error: unknown, doing: string): Fault {
  if (error instanceof Fault) return error;
  const name = errno(error);
  const known = SYSTEM.find(({ names }) => names.includes(name));
  if (known === undefined) {
    const text = `the mount of CloudDrive2 failed (${name || 'unknown error'} while ${doing})`;
    return new Fault('transient', `${AREA}.mount_failed`, text, { cause: error });
  }
  return new Fault(known.kind, `${AREA}.${known.code}`, `${known.text} (${name} while ${doing})`, { cause: error });
}

export function errno(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

const SYSTEM: readonly {
  readonly names: readonly string[];
  readonly kind: FaultKind;
  readonly code: string;
  readonly text: string;
}[] = [
  {
    names: ['ENOSPC', 'EDQUOT'],
    kind: 'rejected',
    code: 'full',
    text: 'the cache of the mount or the cloud is full: free some space, then press retry',
  },
  {
    names: ['EACCES', 'EPERM', 'EROFS'],
    kind: 'auth',
    code: 'mount_not_writable',
    text: 'the mount may not be written to: give the service write permission, then press retry',
  },
  {
    names: ['ENAMETOOLONG', 'EINVAL', 'EILSEQ'],
    kind: 'rejected',
    code: 'bad_name',
    text: 'the mount refuses the name',
  },
];

export function exists(): Fault {
  const text =
    'something of this name is already there: move it away or choose another rule for conflicts, then press retry';
  return new Fault('rejected', `${AREA}.exists`, text);
}

/** Somebody took the name that was chosen at the beginning: another one is chosen, and what has been sent is kept. */
export function nameTaken(): Fault {
  return new Fault('gone', `${AREA}.name_taken`, 'somebody else took the name: another one is chosen');
}

export function sessionGone(): Fault {
  return new Fault('gone', `${AREA}.session_gone`, 'the unfinished file is no longer there: it is sent again');
}

function withoutAddresses(text: string): string {
  return text.replace(/\w+:\/\/\S+/g, '[address]').slice(0, 200);
}
