import { expect, test } from 'vitest';
import { TransferId } from '#core/wire/ids.ts';
import { expectFault } from '../contract/expect-fault.ts';
import { createFleet, idOf } from './kit.ts';

const fileOf = (n: number): TransferId => TransferId.parse(`trf_${String(n).padStart(26, '0')}`);
const never = async (): Promise<boolean> => false;
const DAY_MS = 24 * 60 * 60_000;

test('a file is assigned to one agent, the last that was said', async () => {
  const { registry, newRegistry } = createFleet();
  expect(await registry.pins.of(fileOf(1))).toBeNull();
  await registry.pins.pin(fileOf(1), idOf('sz-1'), never);
  await registry.pins.pin(fileOf(1), idOf('bj-2'), never);
  expect(await newRegistry().pins.of(fileOf(1))).toBe('bj-2');
});

test('256 are kept; beyond them those of files that are over make room, and those older than any upload', async () => {
  const { registry, clock } = createFleet();
  const { pins } = registry;
  for (let n = 0; n < 256; n++) await pins.pin(fileOf(n), idOf('sz-1'), never);
  await expectFault('rejected', 'agents.too_many_assigned', pins.pin(fileOf(300), idOf('sz-1'), never));
  await pins.pin(fileOf(7), idOf('bj-2'), never);
  await pins.pin(fileOf(300), idOf('sz-1'), async (id) => id === fileOf(3));
  expect([await pins.of(fileOf(3)), await pins.of(fileOf(7)), await pins.of(fileOf(300))]).toEqual([
    null,
    'bj-2',
    'sz-1',
  ]);
  await clock.advance(21 * DAY_MS + 1);
  await pins.pin(fileOf(301), idOf('sz-1'), never);
  expect([await pins.of(fileOf(7)), await pins.of(fileOf(301))]).toEqual([null, 'sz-1']);
});
