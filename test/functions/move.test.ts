/** Jobs as a queue brings them. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { budgetOf } from '../../functions/budget.ts';
import { moveHandler } from '../../functions/move.ts';
import { type ApiRig, apiRig } from '../api/rig.ts';

let rig: ApiRig;
beforeEach(async () => {
  rig = await apiRig();
});
afterEach(() => rig[Symbol.asyncDispose]());

const handle = (...bodies: readonly string[]) => {
  const move = moveHandler(rig.engine, (context) => budgetOf(context, new AbortController().signal));
  const Records = bodies.map((body, i) => ({ messageId: `m${i + 1}`, body }));
  return move({ Records }, { getRemainingTimeInMillis: () => 60_000 });
};
const UNKNOWN = JSON.stringify({ pk: 'T#trf_AGM6QSJB85PT8ZEE3G14FSE446', sk: '@' });

it.each(['', '{', 'null', '{}', '{"pk":"","sk":"@"}', '{"pk":1,"sk":"@"}', `{"pk":"${'x'.repeat(257)}","sk":"@"}`])(
  'a body that names no row (%s) fails alone',
  async (body) => {
    const { upload, transfers } = await rig.create({ sizeBytes: 0 });
    const job = JSON.stringify({ pk: `T#${transfers[0]?.id}`, sk: '@' });
    expect(await handle(UNKNOWN, body, job)).toEqual({ batchItemFailures: [{ itemIdentifier: 'm2' }] });
    await rig.settle();
    expect(await rig.call('GET', `/api/v1/uploads/${upload.id}`)).toMatchObject({
      body: { transfers: [{ status: 'success' }] },
    });
  },
);

it('a job for a row that there is not, or that has ended, is done with, and writes nothing', async () => {
  const { transfers } = await rig.create({ sizeBytes: 0 });
  const job = JSON.stringify({ pk: `T#${transfers[0]?.id}`, sk: '@' });
  await rig.settle();
  const rows = await rig.table.owned('local', { limit: 10 });
  expect(await handle(UNKNOWN, job, job)).toEqual({ batchItemFailures: [] });
  expect(await rig.table.owned('local', { limit: 10 })).toEqual(rows);
});

it('a table that cannot be read fails the job, which comes again; its error is logged without its words', async () => {
  const { get } = rig.table;
  Object.assign(rig.table, { get: () => Promise.reject(new Error('SELECT "Holiday.mp4" failed')) });
  expect(await handle(UNKNOWN)).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] });
  expect(rig.logged).toEqual([
    { level: 'error', event: 'move.failed', fields: { reason: 'Error', where: expect.any(String) } },
  ]);
  Object.assign(rig.table, { get });
  expect(await handle(UNKNOWN)).toEqual({ batchItemFailures: [] });
});

it('what is no queue event is an error of the whole call', async () => {
  const move = moveHandler(rig.engine, (context) => budgetOf(context, new AbortController().signal));
  await expect(move({ body: 'x' }, { getRemainingTimeInMillis: () => 1_000 })).rejects.toThrow();
});

it('a budget keeps a minute back, or a fifth when it is short', () => {
  const { signal } = new AbortController();
  const left = (ms: number) => budgetOf({ getRemainingTimeInMillis: () => ms }, signal).remainingMs();
  expect([left(900_000), left(300_000), left(30_000), left(0)]).toEqual([840_000, 240_000, 24_000, 0]);
});
