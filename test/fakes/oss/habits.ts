/** What the fake OSS does wrong, by name. */
import type { Answer } from './exchange.ts';
import { refuse } from './refusal.ts';

/**
 * - `lost reply`: it is done, and the connection is cut before a byte of the answer
 * - `cut`: the connection is cut after half the body of the answer · `damaged`: one byte arrives wrong
 * - `wrong crc`, `no crc`: what the answer says of it · `internal error`: 500 · `busy`: 503 · `throttled`: 503 with its code
 * - `html`: 405 and a page, from something that stands before OSS · `stalled`: no answer until `release`
 */
export type Habit =
  | 'lost reply'
  | 'cut'
  | 'damaged'
  | 'wrong crc'
  | 'no crc'
  | 'internal error'
  | 'busy'
  | 'throttled'
  | 'html'
  | 'stalled';

/** The answer of whoever refuses before anything is done, or null. */
export function early(habit: Habit | undefined): Answer | null {
  if (habit === 'internal error') refuse(500, 'InternalError', 'Please contact the server administrator, oss@service.');
  if (habit === 'busy') refuse(503, 'ServiceUnavailable', 'Please reduce your request rate.');
  if (habit === 'throttled') refuse(503, 'Throttling.User', 'Request was denied due to user flow control.');
  if (habit !== 'html') return null;
  return {
    status: 405,
    headers: { 'content-type': 'text/html' },
    body: '<!doctype html><title>405</title><p>blocked &nbsp;',
  };
}
