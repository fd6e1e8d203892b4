/** Faults on their way between an agent and its home: as JSON in a message, or in the trailers of a call that failed. */
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { Fault, type FaultKind, toFault } from '#core/fault.ts';
import { faultOf, faultText, MESSAGE_CHARS_MAX } from './fault-text.ts';

/** How a call of the line ends that failed. */
export interface Refusal {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
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

/** Names that end so carry bytes: messages may be Chinese. */
const TRAILER = 'fault-bin';

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
