/** A store's refusal at the start, as something that a person can mend. Its message holds no key and no URL with a query. */
import { networkCode, OssError } from '#clients/oss/faults.ts';
import { Fault } from '#core/fault.ts';

/** What was tried, in the words of a RAM policy. */
export type Doing = 'ListObjects' | 'PutObject' | 'GetObject' | 'DeleteObject';

/**
 * Faults: transient `staging.unavailable`; auth `staging.clock_skew`, `staging.unknown_key`, `staging.bad_signature`,
 * `staging.bad_session_token`, `staging.other_region`, `staging.no_bucket`, `staging.forbidden`; bug `staging.bad_answer`.
 */
export function surveyFault(error: unknown, doing: Doing, endpoint: string): Fault {
  if (error instanceof Fault) return error;
  if (!(error instanceof OssError)) {
    const code = networkCode(error);
    return new Fault('transient', 'staging.unavailable', `${endpoint} cannot be reached (${code})`, { cause: error });
  }
  const known = KNOWN.get(error.code);
  if (known !== undefined) return new Fault('auth', `staging.${known.code}`, known.text, { cause: error });
  if (error.status >= 500) {
    const said = error.code || `HTTP ${error.status}`;
    return new Fault('transient', 'staging.unavailable', `the store does not answer now (${said})`, { cause: error });
  }
  if (error.code === '') {
    return new Fault('bug', 'staging.bad_answer', 'what answers there does not answer as OSS does', { cause: error });
  }
  const text = `these keys may not ${doing} in the bucket, or it is in another region than the endpoint (${error.code})`;
  return new Fault('auth', 'staging.forbidden', text, { cause: error });
}

const OTHER_TOKEN = {
  code: 'bad_session_token',
  text: 'the store refused the temporary keys: they are over, or the token is not theirs',
};
const OTHER_REGION = { code: 'other_region', text: 'the store refused the region that we sign for' };

const KNOWN: ReadonlyMap<string, { readonly code: string; readonly text: string }> = new Map([
  ['InvalidAccessKeyId', { code: 'unknown_key', text: 'the store does not know this access key id' }],
  [
    'SignatureDoesNotMatch',
    { code: 'bad_signature', text: 'the store refused our signature: the secret is another one' },
  ],
  ['SecurityTokenExpired', OTHER_TOKEN],
  ['InvalidSecurityToken', OTHER_TOKEN],
  ['NoSuchBucket', { code: 'no_bucket', text: 'the store has no bucket of this name' }],
  ['RequestTimeTooSkewed', { code: 'clock_skew', text: 'the clock of this machine is too far from that of the store' }],
  // What OSS says to a scope with another region.
  ['InvalidArgument', OTHER_REGION],
  ['InvalidRegion', OTHER_REGION],
]);
