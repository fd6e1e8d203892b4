/** `POST /internal/progress`: rumours of functions, taken only with our signature and while they are fresh. */
import {
  BODY_BYTES_MAX,
  Envelope,
  isSignedBy,
  SIGNATURE_HEADER,
  TIMESTAMP_HEADER,
} from '#adapters/http-progress/envelope.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ProgressSink } from '#core/ports/progress.ts';
import { parseJson } from './codec.ts';

export interface ProgressIntakeOptions {
  /** Any of them signs, so that one can be exchanged for another without a gap. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  /** Where viewers hear them. */
  readonly sink: ProgressSink;
}

/** Clocks of functions and relays differ, and a request takes its time. */
const SKEW_MAX_MS = 5 * 60_000;

/**
 * Answers 204 when taken, 413 for more than 256 KiB, 401 for what is not signed by us or more than five minutes off, 400 for what
 * is signed but no rumours, 405 for other methods. An answer has no body. A request that is sent again within the five minutes is
 * taken again: news that is not newer changes nothing.
 */
export function progressIntake({ secrets, clock, sink }: ProgressIntakeOptions) {
  return async (request: Request): Promise<Response> => {
    if (request.method !== 'POST') return answer(405);
    const timestamp = request.headers.get(TIMESTAMP_HEADER) ?? '';
    const signature = request.headers.get(SIGNATURE_HEADER) ?? '';
    // What is no number is not fresh.
    const isFresh = Math.abs(Number(timestamp) - clock.now()) <= SKEW_MAX_MS;
    if (!isFresh || signature === '') return answer(401);
    const body = await bodyOf(request);
    if (body === null) return answer(413);
    if (!secrets.some((secret) => isSignedBy(secret, timestamp, body, signature))) return answer(401);
    const envelope = Envelope.safeParse(parseJson(body.toString()));
    if (!envelope.success) return answer(400);
    await sink.publish(envelope.data.rumours);
    return answer(204);
  };
}

/** `null`: more than may be sent. */
async function bodyOf(request: Request): Promise<Buffer | null> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of request.body ?? []) {
    bytes += piece.byteLength;
    if (bytes > BODY_BYTES_MAX) return null;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function answer(status: number): Response {
  return new Response(null, { status });
}
