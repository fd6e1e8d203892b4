/** What a store's refusals mean to the engine. */
import { S3ServiceException } from '@aws-sdk/client-s3';
import { Fault } from '#core/fault.ts';

const THROTTLES = new Set(['SlowDown', 'Throttling', 'ThrottlingException', 'TooManyRequests', 'RequestLimitExceeded']);
/** Refusals of credentials, or of where they were used, that come with another status than 403. */
const REFUSALS = new Set(['ExpiredToken', 'InvalidToken', 'AuthorizationHeaderMalformed', 'PermanentRedirect']);

/** Any error of a call to the bucket. */
export function stagingFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (!(error instanceof S3ServiceException)) return unreachable(error);
  const status = error.$metadata.httpStatusCode ?? 0;
  const said = `${error.name}, HTTP ${status}`;
  const options = { cause: told(error) };
  if (status === 429 || THROTTLES.has(error.name)) {
    return new Fault('throttled', 'staging.slow_down', `the staging bucket asks for fewer requests (${said})`, {
      ...options,
      ...retryAfter(error),
    });
  }
  if (error.name === 'NoSuchBucket') {
    return new Fault('auth', 'staging.no_bucket', 'the staging bucket does not exist: check the settings', options);
  }
  if (status === 401 || status === 403 || REFUSALS.has(error.name)) {
    return new Fault('auth', 'staging.denied', `the staging bucket refused our credentials (${said})`, options);
  }
  // 408 is a slow request, 409 two at the same key at once: the next try may well do.
  if (status >= 500 || status === 408 || status === 409 || status === 0) return unreachable(error, said);
  return new Fault('bug', 'staging.refused', `the staging bucket refused a request of ours (${said})`, options);
}

/** The content that was asked for is not at its key any more. */
export function changedFault(cause?: unknown): Fault {
  return new Fault('gone', 'staging.changed', 'the staged object has been replaced or removed', { cause: told(cause) });
}

export function rangeFault(cause?: unknown): Fault {
  return new Fault('rejected', 'staging.range', 'the range lies outside the staged object', { cause: told(cause) });
}

/** HTTP status of a store's answer, 0 when there was none. */
export function statusOf(error: unknown): number {
  return error instanceof S3ServiceException ? (error.$metadata.httpStatusCode ?? 0) : 0;
}

function unreachable(error: unknown, said = networkCode(error)): Fault {
  return new Fault('transient', 'staging.unavailable', `the staging bucket cannot be reached (${said})`, {
    cause: error,
  });
}

/** The store's own error without the request and the answer that the SDK hangs on it: those hold signatures and keep a socket. */
function told(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message, stack } = error;
  return Object.assign(new Error(message.slice(0, 300)), { name, stack });
}

/** `ECONNREFUSED` and its like: unlike messages of network errors they hold no address. */
function networkCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** Seconds only; the date form of the header is not sent by stores. */
function retryAfter(error: S3ServiceException): { retryAfterMs?: number } {
  const seconds = Number(error.$response?.headers['retry-after'] ?? Number.NaN);
  return seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {};
}
