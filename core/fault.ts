/** The one error class. Its `kind` says what to do, its `code` names the case for people and programs. */

/**
 * - `transient`: try again later · `throttled`: the other side asks for less · `auth`: credentials must be mended by a person
 * - `gone`: the remote session is dead, open a new one · `rejected`: this file cannot go there as it is
 * - `risk`: the other side wants a person (captcha, review) · `bug`: a broken promise of our own or of a vendor's API
 */
export type FaultKind = 'transient' | 'throttled' | 'auth' | 'gone' | 'rejected' | 'risk' | 'bug';

export interface FaultOptions {
  readonly cause?: unknown;
  /** Milliseconds that the other side asked us to wait. */
  readonly retryAfterMs?: number;
  /** Nothing went wrong: a turn is waited for, which may take days. It is asked for again without end, and counts as no failure. */
  readonly isQueued?: boolean;
}

export class Fault extends Error {
  readonly kind: FaultKind;
  /** Dotted and lower-case, at most 64 characters: `folder.disk_full`. */
  readonly code: string;
  readonly retryAfterMs: number | undefined;
  readonly isQueued: boolean;

  constructor(kind: FaultKind, code: string, message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Fault';
    this.kind = kind;
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.isQueued = options.isQueued ?? false;
  }
}

/** A holder that lost its lease stops at once and writes nothing. Not a failure. */
export class LeaseLost extends Error {
  constructor() {
    super('the lease of this work row belongs to somebody else');
    this.name = 'LeaseLost';
  }
}

/** The code of what nobody has named. */
export const UNKNOWN_CODE = 'unknown';

/** Whatever was thrown, as a Fault: an unknown error is transient, and tried a few times only. */
export function toFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  return new Fault('transient', UNKNOWN_CODE, error instanceof Error ? error.message.slice(0, 300) : 'unknown error', {
    cause: error,
  });
}
