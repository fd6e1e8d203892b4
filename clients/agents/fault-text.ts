/** Faults on their way between an agent, its home and those who have calls run there: as JSON. */
import * as z from 'zod';
import { Fault, toFault } from '#core/fault.ts';
import { readJson } from './json.ts';

export function faultText(error: unknown): string {
  const { kind, code, message, retryAfterMs, isQueued } = toFault(error);
  // What is undefined is left out.
  return JSON.stringify({ kind, code, message: message.slice(0, MESSAGE_CHARS_MAX), retryAfterMs, isQueued });
}

/** Whatever was written: what is no fault of ours is one all the same. */
export function faultOf(text: string): Fault {
  const told = Told.safeParse(readJson(text)).data;
  if (told === undefined) return new Fault('bug', 'agent.bad_message', 'the other side told of a fault in other words');
  const { kind, code, message, ...options } = told;
  return new Fault(kind, code, message, options);
}

export const lost = (): Fault =>
  new Fault('transient', 'agent.lost', 'the connection to the agent ended before it answered');

export const callOver = (): Fault => new Fault('transient', 'agent.call_over', 'the call that this belongs to is over');

/** Trailers have 8 KiB in all. */
export const MESSAGE_CHARS_MAX = 1_000;

const Told = z.object({
  kind: z.enum(['transient', 'throttled', 'auth', 'gone', 'rejected', 'risk', 'bug']),
  code: z.string().min(1).max(64),
  message: z.string().max(MESSAGE_CHARS_MAX),
  retryAfterMs: z.number().min(0).exactOptional(),
  isQueued: z.boolean().default(false),
});
