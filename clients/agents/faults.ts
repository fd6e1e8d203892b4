/** Faults on their way between an agent and its home: as JSON in a message, or in the trailers of a call that failed. */
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import * as z from 'zod';
import { Fault, type FaultKind, toFault } from '#core/fault.ts';
import { readJson } from './json.ts';

/** How a call of the line ends that failed. */
export interface Refusal {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

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

export function refusalOf(error: unknown): Refusal {
  const fault = toFault(error);
  const metadata = new Metadata();
  metadata.set(TRAILER, Buffer.from(faultText(fault)));
  return { code: STATUS_OF[fault.kind], details: fault.code, metadata };
}

/** What the other side told, or `transient` `agent.lost` when it could tell nothing. */
export function faultOfStatus(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const [told] = isServiceError(error) ? error.metadata.get(TRAILER) : [];
  if (Buffer.isBuffer(told)) return faultOf(told.toString());
  const details = isServiceError(error) ? error.details.slice(0, MESSAGE_CHARS_MAX) : 'unknown error';
  return new Fault('transient', 'agent.lost', `the connection between agent and home broke: ${details}`, {
    cause: error,
  });
}

export const lost = (): Fault =>
  new Fault('transient', 'agent.lost', 'the connection to the agent ended before it answered');

export const callOver = (): Fault => new Fault('transient', 'agent.call_over', 'the call that this belongs to is over');

/** Names that end so carry bytes: messages may be Chinese. */
const TRAILER = 'fault-bin';
/** Trailers have 8 KiB in all. */
const MESSAGE_CHARS_MAX = 1_000;

const Told = z.object({
  kind: z.enum(['transient', 'throttled', 'auth', 'gone', 'rejected', 'risk', 'bug']),
  code: z.string().min(1).max(64),
  message: z.string().max(MESSAGE_CHARS_MAX),
  retryAfterMs: z.number().min(0).exactOptional(),
  isQueued: z.boolean().default(false),
});

const STATUS_OF: Readonly<Record<FaultKind, status>> = {
  transient: status.UNAVAILABLE,
  throttled: status.RESOURCE_EXHAUSTED,
  auth: status.UNAUTHENTICATED,
  gone: status.NOT_FOUND,
  rejected: status.PERMISSION_DENIED,
  risk: status.FAILED_PRECONDITION,
  bug: status.INTERNAL,
};

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'metadata' in error && error.metadata instanceof Metadata;
}
