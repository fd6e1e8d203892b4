/** Runs the laws of one port on one adapter. What an adapter cannot keep is said as data, with a reason, and cannot go stale. */
import { describe, it } from 'vitest';

/** Title to check: the title is the law, the check throws when it is broken. Each check gets a fresh subject. */
export type Laws<Subject> = Readonly<Record<string, (subject: Subject) => Promise<void> | void>>;

export interface Exception {
  /** The title, to the letter. */
  readonly law: string;
  readonly because: string;
}

export interface Made<Subject> {
  readonly subject: Subject;
  cleanup?(): Promise<void> | void;
}

/** What each `<port>.contract.ts` takes: `timeoutMs` is per law, 10 s unless told. */
export interface ContractRun<Subject> {
  /** Of the adapter. */
  readonly name: string;
  make(): Promise<Made<Subject>> | Made<Subject>;
  readonly except?: readonly Exception[];
  readonly timeoutMs?: number;
}

export interface Case {
  readonly title: string;
  run(): Promise<void>;
}

/** Declares one test per case. */
export function contract<Subject>(port: string, laws: Laws<Subject>, run: ContractRun<Subject>): void {
  describe(`${port}: ${run.name}`, () => {
    for (const { title, run: check } of casesOf(laws, run)) it(title, check, run.timeoutMs ?? 10_000);
  });
}

/**
 * One case per law. An excepted law must fail: one that holds after all, or that no longer exists, is a case that fails, and a
 * broken `make` or `cleanup` is never taken for the expected failure.
 */
export function casesOf<Subject>(laws: Laws<Subject>, run: ContractRun<Subject>): readonly Case[] {
  const except = run.except ?? [];
  const cases = Object.entries(laws).map(([law, check]) => {
    const exception = except.find((entry) => entry.law === law);
    return exception === undefined
      ? { title: law, run: () => keep(run, check) }
      : { title: `not kept: ${law} (${exception.because})`, run: () => breakAsExpected(run, law, check) };
  });
  const unknown = except.filter(({ law }) => !Object.hasOwn(laws, law));
  return [
    ...cases,
    ...unknown.map(({ law }) => ({
      title: `excepted: ${law}`,
      run: async () => raise(`no law is called "${law}": drop its exception`),
    })),
  ];
}

async function keep<Subject>(run: ContractRun<Subject>, check: Laws<Subject>[string]): Promise<void> {
  const made = await run.make();
  try {
    await check(made.subject);
  } finally {
    await made.cleanup?.();
  }
}

async function breakAsExpected<Subject>(
  run: ContractRun<Subject>,
  law: string,
  check: Laws<Subject>[string],
): Promise<void> {
  const made = await run.make();
  let outcome: 'kept' | 'broken' = 'kept';
  try {
    await check(made.subject);
  } catch {
    outcome = 'broken';
  } finally {
    await made.cleanup?.();
  }
  if (outcome === 'kept') raise(`"${law}" is kept after all: drop its exception`);
}

function raise(message: string): never {
  throw new Error(message);
}
