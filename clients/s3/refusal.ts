/** What an S3 store's refusal is about. Those who speak to one put it into their own words and codes. */
import { S3ServiceException } from '@aws-sdk/client-s3';
import { Fault } from '#core/fault.ts';

export type Matter =
  | 'slow-down'
  | 'no-bucket'
  | 'unknown-keys'
  | 'expired-token'
  | 'other-region'
  | 'clock-skew'
  | 'denied'
  | 'quota'
  | 'unreachable'
  | 'refused';

export interface Refusal {
  readonly matter: Matter;
  /** `SlowDown, HTTP 503`, or `ECONNREFUSED`: holds no address, key or URL. */
  readonly said: string;
  /** The store's own name of the error, or the system's. */
  readonly name: string;
  /** 0 when there was no answer. */
  readonly status: number;
  readonly cause: Error | undefined;
  readonly retryAfterMs: number | undefined;
  /** The region that the store would have expected, where it says so. */
  readonly region: string | undefined;
}

const BY_NAME: ReadonlyMap<string, Matter> = new Map<string, Matter>([
  ['SlowDown', 'slow-down'],
  ['Throttling', 'slow-down'],
  ['ThrottlingException', 'slow-down'],
  ['TooManyRequests', 'slow-down'],
  ['RequestLimitExceeded', 'slow-down'],
  ['NoSuchBucket', 'no-bucket'],
  ['InvalidAccessKeyId', 'unknown-keys'],
  ['SignatureDoesNotMatch', 'unknown-keys'],
  ['InvalidToken', 'unknown-keys'],
  // Of the SDK: the runtime has none for us.
  ['CredentialsProviderError', 'unknown-keys'],
  ['ExpiredToken', 'expired-token'],
  ['TokenRefreshRequired', 'expired-token'],
  ['AuthorizationHeaderMalformed', 'other-region'],
  ['PermanentRedirect', 'other-region'],
  ['IllegalLocationConstraintException', 'other-region'],
  ['RequestTimeTooSkewed', 'clock-skew'],
  ['QuotaExceeded', 'quota'],
  ['XMinioStorageFull', 'quota'],
  ['InsufficientStorage', 'quota'],
  // Bodies that came too slowly, too short or damaged: the next try may well do.
  ['RequestTimeout', 'unreachable'],
  ['IncompleteBody', 'unreachable'],
  ['BadDigest', 'unreachable'],
  ['XAmzContentChecksumMismatch', 'unreachable'],
]);

/** Any error of a call to a store. */
export function refusalOf(error: unknown): Refusal {
  const status = statusOf(error);
  const name = error instanceof S3ServiceException || status !== 0 ? errorName(error) : networkCode(error);
  return {
    matter: BY_NAME.get(name) ?? byStatus(status),
    said: status === 0 ? name : `${name}, HTTP ${status}`,
    name,
    status,
    cause: told(error),
    retryAfterMs: retryAfterMs(error),
    region: field(error, 'Region'),
  };
}

/** HTTP status of a store's answer, 0 when there was none. */
export function statusOf(error: unknown): number {
  if (error instanceof S3ServiceException) return error.$metadata.httpStatusCode ?? 0;
  // An answer that is no XML, as proxies give it: the SDK hangs it on the error that it made of it.
  const answer: unknown = error instanceof Error ? Reflect.get(error, '$response') : undefined;
  const status: unknown = typeof answer === 'object' && answer !== null ? Reflect.get(answer, 'statusCode') : undefined;
  return typeof status === 'number' ? status : 0;
}

/** The store's own error without the request and the answer that the SDK hangs on it: those hold signatures and keep a socket. */
export function told(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof Fault) return error;
  const { name, message, stack } = error;
  return Object.assign(new Error(message.slice(0, 300)), { name, stack });
}

function byStatus(status: number): Matter {
  if (status === 429) return 'slow-down';
  if (status === 401 || status === 403) return 'denied';
  if (status === 301 || status === 307) return 'other-region';
  if (status === 507) return 'quota';
  if (status === 501) return 'refused';
  // 408 is a slow request, 409 two at the same key at once. An error document may also come with HTTP 200.
  if (status >= 500 || status === 408 || status === 409 || status < 300) return 'unreachable';
  return 'refused';
}

function errorName(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}

/** `ECONNREFUSED` and its like: unlike messages of network errors they hold no address. */
function networkCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** Seconds only; the date form of the header is not sent by stores. */
function retryAfterMs(error: unknown): number | undefined {
  const header = error instanceof S3ServiceException ? error.$response?.headers['retry-after'] : undefined;
  const seconds = Number(header ?? Number.NaN);
  return seconds >= 0 ? seconds * 1000 : undefined;
}

/** An element of the error document. */
function field(error: unknown, name: string): string | undefined {
  const value: unknown = error instanceof S3ServiceException ? Reflect.get(error, name) : undefined;
  return typeof value === 'string' ? value.slice(0, 64) : undefined;
}
