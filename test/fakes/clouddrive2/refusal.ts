/** What the fake answers instead of a reply. */
import { status } from '@grpc/grpc-js';

export class Refusal extends Error {
  readonly code: status;
  readonly details: string;

  constructor(code: status, details: string) {
    super(details);
    this.code = code;
    this.details = details;
  }
}

export function notFound(what: string): Refusal {
  return new Refusal(status.NOT_FOUND, `${what} not found`);
}

/** The server says this of a path or a cloud that cannot do something, with the same code as an unknown call. */
export function notSupported(what: string): Refusal {
  return new Refusal(status.UNIMPLEMENTED, `${what} is not supported`);
}
