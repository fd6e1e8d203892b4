/** When the page sends bytes, and when it waits for a destination that may know the file. */
import { expect, test } from 'vitest';
import type { DigestAsk } from '#core/wire/digest.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import { isInstant } from '../../web/upload/instant.ts';
import type { Surroundings } from '../../web/upload/surroundings.ts';
import { blankTransfer } from './fake-state.ts';

type Phases = readonly TransferView['phase'][];

const ask: DigestAsk = { id: 'a', algorithm: 'sha1', start: 0, end: 10 };

/** What the server tells from look to look; the last one for ever. */
async function looking(told: readonly { readonly phases: Phases; readonly asks?: readonly DigestAsk[] }[]) {
  let looks = 0;
  let answers = 0;
  const at = (look: number) => {
    const { phases, asks = [] } = told[Math.min(look, told.length - 1)] ?? { phases: [] };
    return { transfers: phases.map((phase) => ({ ...blankTransfer(), phase })), asks: [...asks] };
  };
  const timers: Surroundings['timers'] = {
    after: (_, wake) => {
      queueMicrotask(wake);
      return () => {};
    },
  };
  const connection: Surroundings['connection'] = { isOnline: () => true, onHope: () => () => {} };
  const calls = {
    look: async () => at(++looks),
    answer: async () => {
      answers += 1;
    },
  };
  const verdict = await isInstant({ timers, connection } as Surroundings, at(0), calls, new AbortController().signal);
  return { verdict, looks, answers };
}

test('a transfer that was just made is waited for until it has had its turn', async () => {
  const told = [
    { phases: ['staging'] },
    { phases: ['staging'] },
    { phases: ['opening'] },
    { phases: ['done'] },
  ] as const;
  expect(await looking(told)).toMatchObject({ verdict: true, looks: 3 });
});

test('a destination that does not know the file ends the waiting', async () => {
  const told = [{ phases: ['staging'] }, { phases: ['opening'], asks: [ask] }, { phases: ['moving'] }] as const;
  expect(await looking(told)).toEqual({ verdict: false, looks: 2, answers: 1 });
});

test('beside a destination that has decided, one that waits for bytes gets them at once', async () => {
  const told = [{ phases: ['staging', 'staging'] }, { phases: ['staging', 'done'] }] as const;
  expect(await looking(told)).toMatchObject({ verdict: false, looks: 1 });
});

test('a destination that does not decide within a minute does not keep the bytes waiting', async () => {
  expect(await looking([{ phases: ['opening'] }])).toMatchObject({ verdict: false, looks: 60 });
});
