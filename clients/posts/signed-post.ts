/** A post to a relay, signed so that it knows one of us. */
import { PASS_HEADER, passOf, SIGNATURE_HEADER, signatureOf, TIMESTAMP_HEADER } from './signature.ts';

export interface RelayDoor {
  /** `https://relay…/internal/…` */
  readonly url: string;
  readonly secret: string;
  readonly clock: { now(): number };
  /** 3 s unless told. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 3_000;

/** `text` is JSON. Whoever calls reads the answer's body or cancels it. Rejects when there is no answer in time, and at a redirect. */
export function signedPost({ url, secret, clock, timeoutMs = TIMEOUT_MS }: RelayDoor, text: string): Promise<Response> {
  const body = Buffer.from(text);
  const timestamp = String(Math.trunc(clock.now()));
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      [TIMESTAMP_HEADER]: timestamp,
      [PASS_HEADER]: passOf(secret, timestamp),
      [SIGNATURE_HEADER]: signatureOf(secret, timestamp, body),
    },
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
}
