import { expect, it } from 'vitest';
import { memoryStaging } from '#adapters/memory/staging.ts';
import { systemClock } from '#adapters/system/clock.ts';
import { metered } from './metered.ts';

it('what is asked for adds up, whether it is read or not, and every other question goes to the source itself', async () => {
  const staging = memoryStaging(systemClock());
  staging.put('a', new Uint8Array(10));
  const { source, askedBytes } = metered(staging);
  const object = await source.stat('a');
  if (object === null) throw new Error('it was put');
  const { signal } = new AbortController();
  const first = await source.read(object, { start: 0, end: 4 }, signal);
  await source.read(object, { start: 4, end: 10 }, signal);
  expect(askedBytes()).toBe(10);
  expect((await new Response(first).arrayBuffer()).byteLength).toBe(4);
  await expect(source.read({ ...object, version: 'other' }, { start: 0, end: 1 }, signal)).rejects.toThrow();
  expect(askedBytes()).toBe(11);
});
