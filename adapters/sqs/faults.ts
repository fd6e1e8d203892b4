/** What a queue's refusals mean. Codes and status only: what it says in words may hold an account, an ARN or a key id. */
import { SQSServiceException } from '@aws-sdk/client-sqs';
import { Fault } from '#core/fault.ts';

const THROTTLES = /Throttl|TooManyRequests|RequestLimitExceeded|^OverLimit$|SlowDown/;
/** Refusals of credentials or of an encryption key that come with another status than 403. */
const REFUSALS =
  /^AccessDenied|^UnrecognizedClient|^InvalidClientTokenId|^Expired|^InvalidToken|^SignatureDoesNotMatch|^IncompleteSignature|^MissingAuthenticationToken|^InvalidSecurity|^OptInRequired|^Kms/;
const NO_QUEUE = /QueueDoesNotExist|NonExistentQueue/;
/** Thrown by the SDK when a stored body is not the one that was sent, or a received one is not the one that was stored. */
const CORRUPT = /^Invalid MD5 checksum/;

/** Any error of a call to the queue. */
export function queueFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (!(error instanceof SQSServiceException)) return withoutAnswer(error);
  const status = error.$metadata.httpStatusCode ?? 0;
  const said = `${error.name}, HTTP ${status}`;
  const options = { cause: told(error, said) };
  if (NO_QUEUE.test(error.name)) {
    return new Fault('auth', 'queue.missing', 'the queue does not exist: check its URL and region', options);
  }
  if (status === 429 || THROTTLES.test(error.name)) {
    return new Fault('throttled', 'queue.slow_down', `the queue asks for fewer requests (${said})`, options);
  }
  if (status === 401 || status === 403 || REFUSALS.test(error.name)) {
    return new Fault('auth', 'queue.denied', `the queue refused our credentials (${said})`, options);
  }
  if (status >= 500 || status === 408 || status === 0) {
    return new Fault('transient', 'queue.unavailable', `the queue cannot be reached (${said})`, options);
  }
  return new Fault('bug', 'queue.refused', `the queue refused a request of ours (${said})`, options);
}

/** One entry of a batch, after its last try; `code` as the queue gave it, or `unanswered`. */
export function entryFault(code: string, isOurs: boolean): Fault {
  if (isOurs) return new Fault('bug', 'queue.refused', `the queue refused a message of ours (${code})`);
  if (THROTTLES.test(code)) return new Fault('throttled', 'queue.slow_down', `the queue asks for less (${code})`);
  return new Fault('transient', 'queue.unavailable', `the queue did not do all of a batch (${code})`);
}

function withoutAnswer(error: unknown): Fault {
  const name = error instanceof Error ? error.name : 'unknown';
  const options = { cause: told(error, name) };
  if (error instanceof Error && CORRUPT.test(error.message)) {
    return new Fault('transient', 'queue.corrupt', 'a message was changed on its way', options);
  }
  if (name === 'CredentialsProviderError') {
    return new Fault('auth', 'queue.no_credentials', 'no credentials for the queue were found', options);
  }
  return new Fault('transient', 'queue.unavailable', `the queue cannot be reached (${networkCode(error)})`, options);
}

/** Name and stack without the message, and without the request and the answer that the SDK hangs on it. */
function told(error: unknown, said: string): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  const stack = error.stack?.replaceAll(error.message, said);
  return Object.assign(new Error(said), { name: error.name, ...(stack === undefined ? {} : { stack }) });
}

/** `ECONNREFUSED` and its like: unlike messages of network errors they hold no address. */
function networkCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
