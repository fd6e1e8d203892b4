/** One question to an S3 store, what S3 answers, and what a store that differs answers instead. */
import { describe, expect, it } from 'vitest';
import { type Store, type StoreAddress, storeAt } from './store.ts';

export interface Check {
  /** What S3 answers: in the documentation, or as its clients expect it. */
  readonly s3: string;
  /** Answers in the same words. */
  ask(store: Store): Promise<string>;
}

/** The title is the question. */
export type Checks = Readonly<Record<string, Check>>;

export interface Difference {
  /** The title, to the letter. */
  readonly check: string;
  /** What this store answers instead. */
  readonly answers: string;
  readonly because: string;
}

/**
 * Declares one test per check. A store that differs has to differ exactly as it is said: a difference that is gone, or that belongs
 * to no check, fails as well.
 */
export function probe(
  target: { readonly name: string; address(): StoreAddress; readonly differences: readonly Difference[] },
  checks: Checks,
): void {
  describe(`what ${target.name} answers`, () => {
    for (const [title, check] of Object.entries(checks)) {
      const difference = target.differences.find((entry) => entry.check === title);
      const name = difference === undefined ? title : `${title} (differs: ${difference.because})`;
      it(name, async () => {
        const store = storeAt(target.address());
        try {
          expect(await check.ask(store)).toBe(difference?.answers ?? check.s3);
        } finally {
          store.end();
        }
      });
    }
    it('every difference that is told belongs to a check, and is one', () => {
      const told = target.differences.map((entry) => entry.check);
      expect(told.filter((title) => !Object.hasOwn(checks, title))).toEqual([]);
      expect(new Set(told).size).toBe(told.length);
      expect(target.differences.filter(({ check, answers }) => checks[check]?.s3 === answers)).toEqual([]);
    });
  });
}
