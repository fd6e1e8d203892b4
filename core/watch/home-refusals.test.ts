/** What this home was refused with, by its own drivers. */
import { expect, test } from 'vitest';
import * as z from 'zod';
import { memoryCells } from '#adapters/memory/cells.ts';
import { virtualClock } from '#adapters/memory/clock.ts';
import { Fault, type FaultKind } from '#core/fault.ts';
import { providerKind } from '#core/ports/connection.ts';
import { pushProvider } from '#core/ports/provider.ts';
import { heeding, homeRefusals } from './home-refusals.ts';

const START_MS = 1_800_000_000_000;
const clock = () => virtualClock({ seed: 1, startMs: START_MS });

test('of a driver that is connected here each risk of a call is told, and the call ends as it would', async () => {
  const faults: Fault[] = [];
  const fail = (kind: FaultKind) => async (): Promise<never> => {
    throw new Fault(kind, `x.${kind}`, 'no');
  };
  const kind = providerKind({
    id: 'x',
    settings: z.object({}),
    credentials: null,
    siteSettings: [],
    connect: () =>
      pushProvider(z.object({}), {
        id: 'x',
        needs: [],
        instant: 'never',
        plan: () => ({ partBytes: 1, inFlightMax: 1, order: 'any' }),
        open: fail('throttled'),
        put: fail('risk'),
        finish: fail('risk'),
        inspect: async () => ({ kind: 'gone' }),
        discard: async () => undefined,
        check: fail('risk'),
      }),
  });
  const [heeded] = heeding([kind], (fault) => faults.push(fault));
  // Nothing of the connection is looked at.
  const provider: any = heeded?.connect({ settings: {} } as any);
  await expect(provider.open()).rejects.toMatchObject({ code: 'x.throttled' });
  await expect(provider.check()).rejects.toMatchObject({ code: 'x.risk' });
  expect(faults).toEqual([]);
  await expect(provider.put({})).rejects.toMatchObject({ code: 'x.risk' });
  await expect(provider.finish({})).rejects.toMatchObject({ code: 'x.risk' });
  expect(await provider.inspect({})).toEqual({ kind: 'gone' });
  expect(faults).toMatchObject([{ code: 'x.risk' }, { code: 'x.risk' }]);
});

test('the newest 16 are kept over restarts, those also that could not be written at once', async () => {
  const cells = memoryCells();
  let isSlower = true;
  const swap: typeof cells.swap = async (...swapped) => (isSlower ? false : cells.swap(...swapped));
  const refusals = homeRefusals({ cells: { ...cells, swap }, clock: clock() });
  for (let n = 0; n < 20; n++) refusals.note(new Fault('risk', `x.${n}`, 'no'));
  expect(await refusals.list()).toHaveLength(16);
  expect(await homeRefusals({ cells, clock: clock() }).list()).toEqual([]);
  isSlower = false;
  await refusals.list();
  await refusals.list();
  const again = await homeRefusals({ cells, clock: clock() }).list();
  expect(again.map(({ code }) => code)).toEqual(Array.from({ length: 16 }, (_, n) => `x.${n + 4}`));
  expect(again[0]).toEqual({ agent: null, address: 'home', atMs: START_MS, code: 'x.4' });
});
