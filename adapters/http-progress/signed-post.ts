/** A post to the relay, signed so that it knows one of us. */
import type { Clock } from '#core/ports/clock.ts';
import { SIGNATURE_HEADER, signatureOf, TIMESTAMP_HEADER } from './envelope.ts';

export interface RelayDoor {
  /** `https://relay…/internal/…` */
  readonly url: string;
  readonly secret: string;
  readonly clock: Clock;
}

const TIMEOUT_MS = 3_000;

/** `text` is JSON. Whoever calls reads the answer's body or cancels it. Rejects when there is no answer in 3 s, and at a redirect. */
export function signedPost({ url, secret, clock }: RelayDoor, text: string): Promise<Response> {
  const body = Buffer.from(text);
  const timestamp = String(Math.trunc(clock.now()));
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      [TIMESTAMP_HEADER]: timestamp,
      [SIGNATURE_HEADER]: signatureOf(secret, timestamp, body),
    },
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
}
