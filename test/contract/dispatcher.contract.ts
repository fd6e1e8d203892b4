/** What every dispatcher must keep: a hint arrives at least once, and not early. */
import { expect } from 'vitest';
import type { Dispatcher } from '#core/ports/dispatcher.ts';
import type { Job } from '#core/wire/job.ts';
import { type ContractRun, contract, type Laws } from './suite.ts';

export interface DispatcherSubject {
  readonly dispatcher: Dispatcher;
  /** Lets that much time pass and answers all jobs delivered so far. */
  delivered(afterMs: number): Promise<readonly Job[]>;
  /** The next delivery meets a consumer that dies. */
  crashNext(): void;
}

export function dispatcherContract(run: ContractRun<DispatcherSubject>): void {
  contract('dispatcher', laws, run);
}

const job = (name: string): Job => ({ pk: `T#${name}`, sk: '@' });
const names = (jobs: readonly Job[]) => new Set(jobs.map(({ pk }) => pk.slice(2)));

const laws: Laws<DispatcherSubject> = {
  'every job is delivered, as it was sent': async ({ dispatcher, delivered }) => {
    const jobs = Array.from({ length: 60 }, (_, n) => {
      return { pk: `T#${n} "é🚀"`, sk: `S#1#${n}`, ...(n % 2 === 0 ? { ifDue: true as const } : {}) };
    });
    await dispatcher.send(jobs);
    const got = await delivered(1);
    for (const sent of jobs) expect(got).toContainEqual(sent);
  },
  'nothing is delivered that was not sent': async ({ dispatcher, delivered }) => {
    await dispatcher.send([]);
    expect(await delivered(1000)).toEqual([]);
  },
  'a delayed job is not delivered early': async ({ dispatcher, delivered }) => {
    await dispatcher.send([job('late')], { delayMs: 5000 });
    await dispatcher.send([job('now')]);
    expect(names(await delivered(4999))).toEqual(new Set(['now']));
    expect(names(await delivered(1))).toEqual(new Set(['now', 'late']));
  },
  'a delay of 60 s is kept, a longer or negative one is refused with dispatcher.delay': async ({
    dispatcher,
    delivered,
  }) => {
    await dispatcher.send([job('a')], { delayMs: 60_000 });
    for (const delayMs of [60_001, -1, Number.NaN]) {
      await expect(dispatcher.send([job('b')], { delayMs })).rejects.toMatchObject({ code: 'dispatcher.delay' });
    }
    expect(await delivered(59_999)).toEqual([]);
    expect(names(await delivered(1))).toEqual(new Set(['a']));
  },
  'a job sent again after its delivery is delivered again': async ({ dispatcher, delivered }) => {
    await dispatcher.send([job('a')]);
    expect(await delivered(1)).toHaveLength(1);
    await dispatcher.send([job('a')]);
    expect(await delivered(1)).toHaveLength(2);
  },
  'a job survives a consumer that dies with it': async ({ dispatcher, delivered, crashNext }) => {
    crashNext();
    await dispatcher.send([job('a')]);
    expect(names(await delivered(60_000))).toEqual(new Set(['a']));
  },
};
