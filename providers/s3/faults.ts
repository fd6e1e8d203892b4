/** What a store refuses, in words that say what to do. Messages name no key, address or secret: they are shown and logged. */
import { type Matter, refusalOf, told } from '#clients/s3/refusal.ts';
import { Fault, type FaultKind } from '#core/fault.ts';

/** Any error of a call to the store. `doing` completes "while …". */
export function s3Fault(error: unknown, doing: string): Fault {
  if (error instanceof Fault) return error;
  const { matter, said, cause, retryAfterMs, region } = refusalOf(error);
  const [kind, code, message] = WORDS[matter];
  const expected = matter === 'other-region' && region !== undefined ? `: it says ${region}` : '';
  return new Fault(kind, code, `${message}${expected} (${said} while ${doing})`, {
    cause,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

export function sessionGone(cause?: unknown): Fault {
  return new Fault('gone', 's3.session_gone', 'the unfinished upload is no longer there: the file is sent again', {
    cause: told(cause),
  });
}

/** With `rename` a new session takes the next name; a multipart upload cannot change its key. */
export function nameTaken(onConflict: 'rename' | 'fail'): Fault {
  if (onConflict === 'rename') {
    return new Fault('gone', 's3.name_taken', 'the name has been taken meanwhile: the file is sent under the next one');
  }
  return new Fault(
    'rejected',
    's3.exists',
    'an object of this name is already there: move it away or choose another rule for conflicts, then press retry',
  );
}

/** What arrived is not what was sent; a damaged part is sent again, a damaged file is sent again as a whole. */
export function partDamaged(): Fault {
  return new Fault(
    'transient',
    's3.part_damaged',
    'the store received other bytes than were sent: the part is sent again',
  );
}

export function contentDiffers(): Fault {
  return new Fault(
    'gone',
    's3.content_differs',
    'the finished object is not what was sent: it was removed if the store allows, and the file is sent again',
  );
}

export function badAnswer(what: string): Fault {
  return new Fault('bug', 's3.bad_answer', `the store gave ${what}`);
}

const WORDS: Readonly<Record<Matter, readonly [kind: FaultKind, code: string, message: string]>> = {
  'slow-down': ['throttled', 's3.slow_down', 'the store asks for fewer requests'],
  'no-bucket': ['auth', 's3.no_bucket', 'the bucket does not exist: create it or mend its name'],
  'unknown-keys': ['auth', 's3.bad_credentials', 'the store does not know these keys: mend the credentials'],
  'expired-token': ['auth', 's3.token_expired', 'the session token has expired: give a new one'],
  'other-region': [
    'auth',
    's3.other_region',
    'the bucket is in another region or at another endpoint: mend the settings',
  ],
  'clock-skew': [
    'auth',
    's3.clock_skew',
    'the clocks of this machine and of the store differ by too much: set this one',
  ],
  denied: ['auth', 's3.denied', 'these keys may not do this in the bucket: give them the permission'],
  quota: ['rejected', 's3.quota', 'the bucket or account is full: make room, then press retry'],
  unreachable: ['transient', 's3.unavailable', 'the store cannot be reached or failed'],
  refused: ['bug', 's3.refused', 'the store refused a request of ours'],
};
