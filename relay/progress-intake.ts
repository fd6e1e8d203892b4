/** `POST /internal/progress`: rumours of functions. */
import { Envelope } from '#adapters/http-progress/envelope.ts';
import type { ProgressSink } from '#core/ports/progress.ts';
import { type SignedBodyOptions, signedBody } from './signed-body.ts';

export interface ProgressIntakeOptions extends SignedBodyOptions {
  /** Where viewers hear them. */
  readonly sink: ProgressSink;
}

/**
 * Answers 204 when taken, 400 for what is signed but no rumours, else what `signedBody` refuses with. An answer has no body. A request
 * that is sent again is taken again: news that is not newer changes nothing.
 */
export function progressIntake({ sink, ...signing }: ProgressIntakeOptions) {
  const read = signedBody(signing);
  return async (request: Request): Promise<Response> => {
    const body = await read(request);
    if ('refused' in body) return body.refused;
    const envelope = Envelope.safeParse(body.json);
    if (!envelope.success) return new Response(null, { status: 400 });
    await sink.publish(envelope.data.rumours);
    return new Response(null, { status: 204 });
  };
}
