/** What a store's refusals mean to staging. */
import { type Matter, type Refusal, refusalOf } from '#clients/s3/refusal.ts';
import { Fault, type FaultKind } from '#core/fault.ts';

const DENIED = ['auth', 'staging.denied', 'the staging bucket refused our credentials'] as const;
const UNAVAILABLE = ['transient', 'staging.unavailable', 'the staging bucket cannot be reached'] as const;

const WORDS: Readonly<Record<Matter, readonly [kind: FaultKind, code: string, message: string]>> = {
  'slow-down': ['throttled', 'staging.slow_down', 'the staging bucket asks for fewer requests'],
  'no-bucket': ['auth', 'staging.no_bucket', 'the staging bucket does not exist: check the settings'],
  'unknown-keys': DENIED,
  'expired-token': DENIED,
  'other-region': DENIED,
  'clock-skew': DENIED,
  denied: DENIED,
  quota: UNAVAILABLE,
  unreachable: UNAVAILABLE,
  refused: ['bug', 'staging.refused', 'the staging bucket refused a request of ours'],
};

/** Any error of a call to the bucket. */
export function stagingFault(error: unknown): Fault {
  return error instanceof Fault ? error : worded(refusalOf(error));
}

function worded({ matter, said, cause, retryAfterMs }: Refusal): Fault {
  const [kind, code, message] = WORDS[matter];
  return new Fault(kind, code, `${message} (${said})`, {
    cause,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
