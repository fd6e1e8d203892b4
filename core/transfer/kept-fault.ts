/** Faults as rows keep them. */
import { Fault, type FaultKind } from '#core/fault.ts';
import type { TransferError } from '#core/wire/transfer.ts';

export interface KeptFault {
  readonly kind: string;
  readonly error: TransferError;
}

const KINDS: readonly string[] = ['transient', 'throttled', 'auth', 'gone', 'rejected', 'risk', 'bug'];

export function errorOf({ code, message }: Fault): TransferError {
  return { code: code.slice(0, 64), message: message.slice(0, 400) };
}

/** The Fault that was kept; one of a kind that this release does not know is a bug. */
export function faultOf({ kind, error }: KeptFault): Fault {
  const known = KINDS.includes(kind) ? (kind as FaultKind) : 'bug';
  return new Fault(known, error.code, error.message);
}
