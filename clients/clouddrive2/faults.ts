/** What CloudDrive2 refuses, and what that means to the engine. Texts of the server are cut, and addresses and tokens taken out. */
import { status } from '@grpc/grpc-js';
import { Fault, type FaultKind } from '#core/fault.ts';

/** An answer that is no success: a gRPC status, or `success: false` inside one that is OK (`code` is then OK). */
export class Refused extends Error {
  readonly code: status;

  constructor(code: status, text: string) {
    super(withoutSecrets(text));
    this.name = 'Refused';
    this.code = code;
  }
}

/** Whatever a call threw, as `Refused` when it is an answer. */
export function refusedBy(error: unknown): Refused | undefined {
  if (error instanceof Refused) return error;
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'number') return undefined;
  return new Refused(error.code, 'details' in error && typeof error.details === 'string' ? error.details : '');
}

/** A logical failure of the call `what` comes with gRPC OK: this throws it. */
export function mustSucceed(what: string, { success }: { readonly success: boolean }, text: string): void {
  if (!success) throw clouddriveFault(new Refused(status.OK, text), what, null);
}

/** Any error of the call `what` as a Fault. `version`: of the server; null when it did not tell. */
export function clouddriveFault(error: unknown, what: string, version: string | null): Fault {
  if (error instanceof Fault) return error;
  const refused = refusedBy(error);
  if (refused === undefined) {
    return new Fault('transient', `${AREA}.failed`, `${what} failed before CloudDrive2 answered`, { cause: error });
  }
  const { kind, code, text } =
    refused.code === status.UNIMPLEMENTED ? unimplemented(refused, version) : meaningOf(refused);
  return new Fault(kind, `${AREA}.${code}`, `CloudDrive2 ${text} (${what}${said(refused)})`, { cause: refused });
}

export const AREA = 'clouddrive2';

/** The first version that knows remote uploads and API tokens (October 2025). */
export const REMOTE_UPLOAD_SINCE = '0.9.9';

/** Negative when `a` is older than `b`. Only the first three numbers count. */
export function compareVersions(a: string, b: string): number {
  const numbers = (version: string) => (version.match(/\d+/g) ?? []).slice(0, 3).map(Number);
  const left = numbers(a);
  const right = numbers(b);
  for (let index = 0; index < 3; index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

interface Meaning {
  readonly kind: FaultKind;
  readonly code: string;
  readonly text: string;
}

/** Code 12 is said by old servers, of calls that they do not know, and by new ones, of paths and clouds that cannot do something. */
function unimplemented({ message }: Refused, version: string | null): Meaning {
  const isOld = version !== null && compareVersions(version, REMOTE_UPLOAD_SINCE) < 0;
  if (/not supported/i.test(message) || (version !== null && !isOld)) {
    return {
      kind: 'rejected',
      code: 'unsupported_here',
      text: 'cannot do this at this path: choose a folder inside one of its clouds, written as CloudDrive2 shows it',
    };
  }
  if (isOld) {
    return { kind: 'rejected', code: 'old_server', text: `is of version ${version}, which cannot do this: update it` };
  }
  return {
    kind: 'rejected',
    code: 'unimplemented',
    text: 'does not know this call, or not for this path; it did not tell its version',
  };
}

function meaningOf({ code, message }: Refused): Meaning {
  return BY_TEXT.find(({ pattern }) => pattern.test(message)) ?? BY_CODE.get(code) ?? UNKNOWN;
}

/** The texts come with different codes, and some inside OK, so they are looked at first. */
const BY_TEXT: readonly (Meaning & { readonly pattern: RegExp })[] = [
  {
    pattern: /upload session not found/i,
    kind: 'gone',
    code: 'session_gone',
    text: 'no longer knows this upload: it is started again',
  },
  {
    pattern: /^invalid user plan$/i,
    kind: 'rejected',
    code: 'plan',
    text: 'says that the plan of its account does not include this',
  },
  {
    pattern: /channel replaced/i,
    kind: 'transient',
    code: 'channel_replaced',
    text: 'gave the channel to another process with the same device id',
  },
  {
    pattern: /larger than max|too large/i,
    kind: 'bug',
    code: 'message_too_large',
    text: 'and we disagree about the size of messages',
  },
  { pattern: /not found|not exist/i, kind: 'rejected', code: 'not_found', text: 'has no such entry' },
  { pattern: /exist/i, kind: 'rejected', code: 'exists', text: 'has an entry of this name already' },
];

const UNKNOWN: Meaning = { kind: 'transient', code: 'failed', text: 'failed' };

const BY_CODE: ReadonlyMap<status, Meaning> = new Map<status, Meaning>([
  [status.OK, { kind: 'rejected', code: 'refused', text: 'refused' }],
  [status.UNAVAILABLE, { kind: 'transient', code: 'unavailable', text: 'cannot be reached' }],
  [status.DEADLINE_EXCEEDED, { kind: 'transient', code: 'no_answer', text: 'did not answer in time' }],
  [status.CANCELLED, { kind: 'transient', code: 'canceled', text: 'ended the call' }],
  [status.RESOURCE_EXHAUSTED, { kind: 'throttled', code: 'slow_down', text: 'asks for fewer requests' }],
  [
    status.UNAUTHENTICATED,
    { kind: 'auth', code: 'unauthenticated', text: 'refused the token: add another one, then press retry' },
  ],
  [
    status.PERMISSION_DENIED,
    { kind: 'auth', code: 'no_right', text: 'says that the token lacks a right: allow it there, then press retry' },
  ],
  [status.NOT_FOUND, { kind: 'rejected', code: 'not_found', text: 'has no such entry' }],
  [status.ALREADY_EXISTS, { kind: 'rejected', code: 'exists', text: 'has an entry of this name already' }],
  [status.INVALID_ARGUMENT, { kind: 'bug', code: 'invalid', text: 'refused a request of ours' }],
  [status.OUT_OF_RANGE, { kind: 'bug', code: 'message_too_large', text: 'and we disagree about the size of messages' }],
  [status.FAILED_PRECONDITION, { kind: 'rejected', code: 'refused', text: 'refused' }],
]);

function said({ code, message }: Refused): string {
  const name = code === status.OK ? '' : `, ${status[code] ?? code}`;
  return message === '' || code === status.UNAVAILABLE ? name : `${name}: ${message}`;
}

function withoutSecrets(text: string): string {
  return text
    .replace(/\w+:\/\/\S+/g, '[address]')
    .replace(/bearer\s+\S+/gi, '[token]')
    .replace(/eyJ[\w.-]+/g, '[token]')
    .slice(0, 200);
}
