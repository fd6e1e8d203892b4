import { expect, test } from 'vitest';
import { memoryCells } from '#adapters/memory/cells.ts';
import { gateKey } from '#core/state.ts';
import { gatesInMemory } from './gates.ts';

test('places at gates are in no file, and every other cell is', async () => {
  const durable = memoryCells();
  const cells = gatesInMemory(durable);
  const other = { pk: 'D#folder', sk: 'OTHER' };
  for (const key of [gateKey('folder'), other]) {
    expect(await cells.swap(key, 0, 'value')).toBe(true);
    expect(await cells.read(key)).toMatchObject({ v: 1, value: 'value' });
  }
  expect(await durable.read(gateKey('folder'))).toBeNull();
  expect((await durable.list('D#folder', { limit: 10 })).map(({ sk }) => sk)).toEqual(['OTHER']);
  expect(await cells.drop(gateKey('folder'), 1)).toBe(true);
  expect(await cells.read(gateKey('folder'))).toBeNull();
});
