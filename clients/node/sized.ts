/** Streams for the `fetch` of Node. */
import type { BodyUse, Sendable, SizedBody } from '../sized-body.ts';

/** Node takes the length from the header. */
export function sendable({ stream, sizeBytes }: SizedBody, _use: BodyUse): Sendable {
  return { body: stream, headers: { 'content-length': String(sizeBytes) } };
}
