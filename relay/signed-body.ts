/** What functions post to the relay: believed with our signature and while it is fresh. */
import { BODY_BYTES_MAX } from '#adapters/http-progress/envelope.ts';
import { isPass, isSignedBy, PASS_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER } from '#clients/posts/signature.ts';
import type { Clock } from '#core/ports/clock.ts';
import { parseJson } from './codec.ts';

export interface SignedBodyOptions {
  /** Any of them signs, so that one can be exchanged for another without a gap. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  /** 256 KiB unless told: then nothing is read of who has no pass, since strangers could fill the memory. */
  readonly bytesMax?: number;
}

/** Clocks of functions and relays differ, and a request takes its time. */
const SKEW_MAX_MS = 5 * 60_000;

/**
 * Answers the body's JSON (undefined when it is none), or the refusal: 413 for more than it may have, 401 for what is not signed by us or
 * more than five minutes off, 405 for other methods than POST. It may be sent again within the five minutes.
 */
export function signedBody({ secrets, clock, bytesMax = BODY_BYTES_MAX }: SignedBodyOptions) {
  return async (request: Request): Promise<{ readonly json: unknown } | { readonly refused: Response }> => {
    if (request.method !== 'POST') return refusal(405);
    const timestamp = request.headers.get(TIMESTAMP_HEADER) ?? '';
    const signature = request.headers.get(SIGNATURE_HEADER) ?? '';
    // What is no number is not fresh.
    const isFresh = Math.abs(Number(timestamp) - clock.now()) <= SKEW_MAX_MS;
    if (!isFresh || signature === '') return refusal(401);
    const pass = request.headers.get(PASS_HEADER) ?? '';
    const mayFill = bytesMax <= BODY_BYTES_MAX || secrets.some((secret) => isPass(secret, timestamp, pass));
    if (!mayFill) return refusal(401);
    const body = await bodyOf(request, bytesMax);
    if (body === null) return refusal(413);
    if (!secrets.some((secret) => isSignedBy(secret, timestamp, body, signature))) return refusal(401);
    return { json: parseJson(body.toString()) };
  };
}

/** `null`: more than may be sent. */
async function bodyOf(request: Request, bytesMax: number): Promise<Buffer | null> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of request.body ?? []) {
    bytes += piece.byteLength;
    if (bytes > bytesMax) return null;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function refusal(status: number): { readonly refused: Response } {
  return { refused: new Response(null, { status }) };
}
