import { Fault, type FaultKind } from '#core/fault.ts';

/** Resolves to the Fault that the call rejected with; throws when it is of another kind or code, or none came. */
export async function expectFault(kind: FaultKind, code: string | null, call: Promise<unknown>): Promise<Fault> {
  const outcome = await call.then(
    (value) => new Error(`it answered ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  const expected = `expected Fault ${kind} ${code ?? ''}`;
  if (!(outcome instanceof Fault)) throw new Error(expected, { cause: outcome });
  if (outcome.kind === kind && (code === null || outcome.code === code)) return outcome;
  throw new Error(`${expected}, got ${outcome.kind} ${outcome.code}: ${outcome.message}`, { cause: outcome });
}
