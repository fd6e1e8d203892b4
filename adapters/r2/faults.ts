/** What R2 throws at a Worker: the number at the end of its message says what it is about. */
import { Fault, type FaultKind } from '#core/fault.ts';

/** Any error of a call to the binding, or of the body that it gave. */
export function stagingFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const number = r2Number(error);
  const [kind, code, message] = WORDS.get(number ?? UNSPECIFIED) ?? REFUSED;
  return new Fault(kind, code, `${message} (${number === null ? 'no answer' : `R2 ${number}`})`, { cause: error });
}

/** A range that starts at the very end has no number of its own in wrangler's R2. */
export function mayBeOutsideRange(error: unknown): boolean {
  const number = r2Number(error);
  return number === INVALID_RANGE || number === UNSPECIFIED;
}

type Words = readonly [kind: FaultKind, code: string, message: string];

const INVALID_RANGE = 10039;
const UNSPECIFIED = 0;
const UNAVAILABLE: Words = ['transient', 'staging.unavailable', 'the staging bucket cannot be reached'];
const DENIED: Words = ['auth', 'staging.denied', 'the staging bucket refused this Worker'];
const REFUSED: Words = ['bug', 'staging.refused', 'the staging bucket refused a request of ours'];

const WORDS: ReadonlyMap<number, Words> = new Map([
  [UNSPECIFIED, UNAVAILABLE],
  [10001, UNAVAILABLE],
  [10043, UNAVAILABLE],
  [10054, UNAVAILABLE],
  [10058, ['throttled', 'staging.slow_down', 'the staging bucket asks for fewer requests']],
  [10002, DENIED],
  [10003, DENIED],
  [10042, DENIED],
  [10006, ['auth', 'staging.no_bucket', 'the staging bucket does not exist: check the binding']],
]);

/** Null for what is no answer of R2, such as a connection that was lost. */
function r2Number(error: unknown): number | null {
  const [, number] = /\((\d{1,6})\)$/.exec(error instanceof Error ? error.message : '') ?? [];
  return number === undefined ? null : Number(number);
}
