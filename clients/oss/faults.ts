/** What OSS refuses, and what that means to the engine. */
import { Fault, type FaultKind } from '#core/fault.ts';

/** An answer of OSS that is no success. The message is the store's; it holds no address, no signature and no key. */
export class OssError extends Error {
  /** 0 when the answer had none. */
  readonly status: number;
  /** `NoSuchUpload` and its like; empty when something else than OSS answered. */
  readonly code: string;
  /** What Aliyun's support asks for. */
  readonly requestId: string;
  readonly retryAfterMs: number | undefined;

  constructor(status: number, code: string, message: string, more: { requestId?: string; retryAfterMs?: number } = {}) {
    super(message.slice(0, 300));
    this.name = 'OssError';
    this.status = status;
    this.code = code;
    this.requestId = more.requestId ?? '';
    this.retryAfterMs = more.retryAfterMs;
  }
}

export function isOssError(error: unknown, ...codes: readonly string[]): error is OssError {
  return error instanceof OssError && codes.includes(error.code);
}

/** `ECONNREFUSED` and its like, which a fetch keeps in its cause: unlike messages of network errors they hold no address. */
export function networkCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause instanceof Error ? networkCode(error.cause) : error.name;
}

/** The keys were refused in a way that newer temporary keys mend. */
export function isStaleKey(error: unknown): boolean {
  return isOssError(error, 'SecurityTokenExpired', 'InvalidAccessKeyId', 'InvalidSecurityToken');
}

/** Any error of a call as a Fault: `area` begins its code, `place` is what its message calls the bucket. */
export function ossFault(error: unknown, area: string, place: string): Fault {
  if (error instanceof Fault) return error;
  if (!(error instanceof OssError)) return unreachable(error, area, place, networkCode(error));
  const said = `${error.code || 'no code of OSS'}, HTTP ${error.status}${error.requestId && `, request ${error.requestId}`}`;
  const known = KNOWN.get(error.code) ?? byStatus(error);
  if (known === null) return unreachable(error, area, place, said);
  return new Fault(known.kind, `${area}.${known.code}`, `${place} ${known.text} (${said})`, {
    cause: error,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  });
}

interface Meaning {
  readonly kind: FaultKind;
  readonly code: string;
  readonly text: string;
}

const slowDown: Meaning = { kind: 'throttled', code: 'slow_down', text: 'asks for fewer requests' };
const denied: Meaning = {
  kind: 'auth',
  code: 'denied',
  text: 'refused our keys: check them and what their RAM policy allows, then press retry',
};
const expired: Meaning = {
  kind: 'auth',
  code: 'token_expired',
  text: 'refused the temporary keys: add new ones, then press retry',
};
const tooLong: Meaning = { kind: 'rejected', code: 'name_refused', text: 'does not take this name' };
const full: Meaning = { kind: 'rejected', code: 'quota', text: 'has no room left: free some, then press retry' };

const KNOWN: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['Throttling', slowDown],
  ['Throttling.User', slowDown],
  ['SlowDown', slowDown],
  ['RequestRateLimitExceeded', slowDown],
  ['QpsLimitExceeded', slowDown],
  ['UploadTrafficRateLimitExceeded', slowDown],
  ['DownloadTrafficRateLimitExceeded', slowDown],
  ['AccessDenied', denied],
  ['InvalidAccessKeyId', denied],
  ['SignatureDoesNotMatch', denied],
  ['UserDisable', denied],
  ['SecondLevelDomainForbidden', denied],
  ['SecurityTokenExpired', expired],
  ['InvalidSecurityToken', expired],
  [
    'RequestTimeTooSkewed',
    {
      kind: 'auth',
      code: 'clock_skewed',
      text: 'says that our clock is wrong: set the time of this machine, then press retry',
    },
  ],
  [
    'NoSuchBucket',
    { kind: 'auth', code: 'no_bucket', text: 'does not exist: check bucket and endpoint in the settings' },
  ],
  [
    'NoSuchUpload',
    { kind: 'gone', code: 'session_gone', text: 'no longer knows the unfinished upload: it is sent again' },
  ],
  ['FileAlreadyExists', { kind: 'rejected', code: 'exists', text: 'has an object of this name already' }],
  ['FileImmutable', { kind: 'rejected', code: 'immutable', text: 'keeps an object of this name from being replaced' }],
  ['EntityTooLarge', { kind: 'rejected', code: 'too_large', text: 'does not take a file of this size' }],
  ['InvalidObjectName', tooLong],
  ['KeyTooLongError', tooLong],
  ['StorageQuotaExceeded', full],
  ['QuotaExceeded', full],
  [
    'CallbackFailed',
    { kind: 'transient', code: 'callback_failed', text: 'has the file, but its callback was not answered' },
  ],
]);

/** Null: worth another try. */
function byStatus({ status, code }: OssError): Meaning | null {
  if (status === 429) return slowDown;
  if (status === 401 || status === 403) return denied;
  if (code === '' || status >= 500 || status === 408 || status === 409) return null;
  return { kind: 'bug', code: 'refused', text: 'refused a request of ours' };
}

function unreachable(error: unknown, area: string, place: string, said: string): Fault {
  return new Fault('transient', `${area}.unavailable`, `${place} cannot be reached (${said})`, { cause: error });
}
