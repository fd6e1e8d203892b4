/** Why a store would not be staging, told apart as a person who sets it up needs it. */
import { S3ServiceException } from '@aws-sdk/client-s3';
import { Fault } from '#core/fault.ts';

export type Deed = 'list' | 'put' | 'read' | 'remove';

/** An answer that is no success, from the SDK or from a plain request. */
type Refusal = { readonly status: number; readonly name: string };

const BY_NAME: Readonly<Record<string, readonly [code: string, message: string]>> = {
  NoSuchBucket: ['staging.no_bucket', 'the store has no bucket of this name'],
  InvalidAccessKeyId: ['staging.unknown_key', 'the store does not know this access key id'],
  SignatureDoesNotMatch: ['staging.bad_signature', 'the store refused our signature: the secret is another one'],
  ExpiredToken: ['staging.bad_session_token', 'the session token has expired'],
  InvalidToken: ['staging.bad_session_token', 'the store does not take this session token'],
  AuthorizationHeaderMalformed: ['staging.other_region', 'the bucket belongs to another region'],
  PermanentRedirect: ['staging.other_region', 'the bucket belongs to another region or endpoint'],
  RequestTimeTooSkewed: ['staging.clock_skew', 'the clocks of this machine and of the store are too far apart'],
};

/** `deed` is what was tried. The messages quote nothing but the store's own name for the error. */
export function refusalFault(error: unknown, deed: Deed): Fault {
  if (error instanceof Fault) return error;
  const { status, name } = refusalOf(error);
  const known = BY_NAME[name];
  if (known !== undefined) return new Fault('auth', known[0], known[1]);
  if (status === 401 || status === 403) {
    return new Fault('auth', 'staging.forbidden', `these keys may not ${deed} objects of the bucket (${name})`);
  }
  if (status === 404 && deed === 'list') return new Fault('auth', 'staging.no_bucket', 'there is no such bucket there');
  if (status >= 500 || (status === 0 && name !== 'Error')) {
    return new Fault('transient', 'staging.unavailable', `the store failed when asked to ${deed} objects (${name})`);
  }
  return new Fault('bug', 'staging.bad_answer', `what answers there does not ${deed} objects as S3 does (${name})`);
}

export function unreachableFault(endpoint: string, error: unknown): Fault {
  return new Fault(
    'transient',
    'staging.unavailable',
    `${new URL(endpoint).origin} cannot be reached (${networkCode(error)})`,
  );
}

/** HTTP status of a store's answer, 0 when there was none. */
export function statusOf(error: unknown): number {
  return error instanceof S3ServiceException ? (error.$metadata.httpStatusCode ?? 0) : 0;
}

/** `NoSuchBucket` and its like, from the body of an answer. */
export function codeOf(xml: string): string | undefined {
  return /<Code>(\w{1,64})<\/Code>/.exec(xml)?.[1];
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof S3ServiceException) return { status: statusOf(error), name: error.name };
  if (typeof error === 'object' && error !== null && 'status' in error && 'name' in error) {
    return { status: Number(error.status), name: String(error.name) };
  }
  return { status: 0, name: networkCode(error) };
}

/** `ECONNREFUSED` and its like; a fetch keeps it in its cause. */
function networkCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause instanceof Error ? networkCode(error.cause) : error.name;
}
