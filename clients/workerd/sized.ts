/** Streams for the `fetch` of workerd. */
import type { BodyUse, Sendable, SizedBody } from '../sized-body.ts';
import { flow } from './flow.ts';

/** workerd takes the length from the stream. */
export function sendable(body: SizedBody, use: BodyUse): Sendable {
  return { body: flow(body, { ...use, onPiece: () => {} }).readable, headers: {} };
}
