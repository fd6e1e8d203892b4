/** What all processes know that ask in the name of one account. */
import { Fault } from '#core/fault.ts';

/** The part of a clock that waiting in turn needs. Epoch milliseconds; `sleep` rejects with the signal's reason. */
export interface PaceClock {
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/**
 * A JSON value under compare-and-set. `swap` writes if the version is still `v`, 0 for none; one whose reply was lost may answer
 * false.
 */
export interface Shared {
  read(): Promise<{ readonly v: number; readonly value: unknown } | null>;
  swap(v: number, value: unknown): Promise<boolean>;
}

/** Losses in a row against other processes, each of which has come on meanwhile. */
const TRIES = 12;
const AGAIN_MS = 20;

/** For a process that is alone with its account. */
export function alone(): Shared {
  let cell: { readonly v: number; readonly value: unknown } | null = null;
  return {
    read: async () => cell,
    swap: async (v, value) => {
      if (v !== (cell?.v ?? 0)) return false;
      cell = { v: v + 1, value };
      return true;
    },
  };
}

/**
 * Writes what `next` makes of the value, null: nothing is to be written. `next` is called again after a lost race. Throws Fault
 * `transient` `{area}.contended`.
 */
export async function change(
  { shared, clock, area }: { readonly shared: Shared; readonly clock: PaceClock; readonly area: string },
  next: (value: unknown) => unknown,
): Promise<void> {
  for (let tried = 1; tried <= TRIES; tried++) {
    const cell = await shared.read();
    const value = next(cell?.value ?? null);
    if (value === null || (await shared.swap(cell?.v ?? 0, value))) return;
    await clock.sleep(AGAIN_MS * tried);
  }
  throw new Fault(
    'transient',
    `${area}.contended`,
    'too many processes speak for this account at once: it is tried again',
  );
}
