/** Files of one part and one chunk: they go through in the lease that opens them, and like any other once something goes wrong. */
import { expect, test } from 'vitest';
import { Fault } from '#core/fault.ts';
import type { PushProvider } from '#core/ports/provider.ts';
import { readView } from '#core/read-view.ts';
import { cancel, pause } from '#core/transfer/wishes.ts';
import type { TransferId } from '#core/wire/ids.ts';
import { digestOf } from '../simulation/streams.ts';
import { createLab, type Lab, type LabFile, type LabOptions } from './lab.ts';

const SHORT = { sizeBytes: 9 } as const;

async function staged(lab: Lab, options: Parameters<Lab['announce']>[0] = SHORT) {
  const file = await lab.announce(options);
  await lab.stage(file);
  const [id] = file.transferIds;
  if (id === undefined) throw new Error('a file without a transfer');
  return { file, id };
}

const rowsOf = async (lab: Lab, id: TransferId) => (await lab.world.table.query(`T#${id}`, '')).map(({ sk }) => sk);

async function expectDelivered(lab: Lab, file: LabFile, id: TransferId): Promise<void> {
  await lab.ended(file);
  expect((await lab.head(id)).step.phase).toBe('done');
  expect(lab.delivered('rig', id)).toEqual(Buffer.from(file.content));
}

/** A destination whose calls are counted, and whose first put does something else. */
function troubled(firstPut: (bare: PushProvider['put'], args: Parameters<PushProvider['put']>) => Promise<never>) {
  const calls: string[] = [];
  const options: LabOptions = {
    sabotage: {
      provider: (bare) => ({
        ...bare,
        put: (...args) => {
          calls.push('put');
          return calls.filter((call) => call === 'put').length === 1 ? firstPut(bare.put, args) : bare.put(...args);
        },
        inspect: (...args) => {
          calls.push('inspect');
          return bare.inspect(...args);
        },
      }),
    },
  };
  return { calls, lab: createLab(options) };
}

test('a short file takes nine writes of the table, until its bytes are removed', async () => {
  const lab = createLab();
  const { file, id } = await staged(lab);
  await expectDelivered(lab, file, id);
  await lab.until(async () => (await lab.world.staging.list({ prefix: '', limit: 1 })).length === 0);
  await lab.pass(1_000);
  expect(await rowsOf(lab, id)).toEqual(['@']);
  // Two are made, the head is claimed, committed twice and let go, the upload is claimed, committed and let go.
  expect(lab.world.table.writes()).toBe(9);
});

test('its view rises with its receipt, and shows all of it from then on', async () => {
  const lab = createLab({ rigs: { rig: { settlingMs: 60_000 } } });
  const { file, id } = await staged(lab);
  await lab.until(async () => (await lab.row(id)).phase === 'finishing');
  expect(await readView(lab.world.table, await lab.row(id), 0)).toMatchObject({
    movedBytes: 9,
    partsDone: 1,
    partCount: 1,
  });
  await expectDelivered(lab, file, id);
});

test.each([
  ['a claimed digest', { ...SHORT, digests: { sha1: digestOf('sha1', new Uint8Array(9)) } }],
  ['two chunks', { sizeBytes: 9, chunkBytes: 5 }],
  ['two parts', { sizeBytes: 11, chunkBytes: 20 }],
] as const)('a file with %s gets a stripe', async (_what, options) => {
  const lab = createLab();
  const { file, id } = await staged(lab, options);
  await lab.ended(file);
  expect(await rowsOf(lab, id)).toContain('S#1#0');
});

test('a put that failed is followed by a question, and then by a stripe', async () => {
  const { lab, calls } = troubled(async () => {
    throw new Fault('transient', 'rig.busy', 'not now');
  });
  const { file, id } = await staged(lab);
  await expectDelivered(lab, file, id);
  expect(calls).toEqual(['put', 'inspect', 'put']);
  expect(await rowsOf(lab, id)).toContain('S#1#0');
});

test('a part that landed without an answer is not sent again', async () => {
  const { lab, calls } = troubled(async (put, args) => {
    await put(...args);
    throw new Fault('transient', 'rig.cut', 'the answer got lost');
  });
  const { file, id } = await staged(lab);
  await expectDelivered(lab, file, id);
  expect(calls).toEqual(['put', 'inspect']);
});

test('a cancel is seen while the part is under way, and cuts it off before the session is discarded', async () => {
  const lab = createLab({ rigs: { rig: { putMs: () => 30_000 } } });
  const { file, id } = await staged(lab);
  await lab.pass(5_000);
  await cancel(lab.world.engine(lab.process('api')), id);
  await lab.ended(file, 4_000);
  expect((await lab.head(id)).step.phase).toBe('canceled');
  expect(lab.world.rigs.get('rig')?.sessions()[0]?.state).toBe('discarded');
});

test('a pause that comes while the part is under way comes too late', async () => {
  const lab = createLab({ rigs: { rig: { putMs: () => 10_000 } } });
  const { file, id } = await staged(lab);
  await lab.pass(5_000);
  await pause(lab.world.engine(lab.process('api')), id);
  await expectDelivered(lab, file, id);
});

test('the end of a budget in the middle of the part leaves it to a stripe', async () => {
  const lab = createLab({ rigs: { rig: { putMs: () => 7_000 } }, budgetMs: 5_000, budgetEnds: 'aborts' });
  const { file, id } = await staged(lab);
  await lab.until(async () => (await rowsOf(lab, id)).includes('S#1#0'));
  await lab.ended(file);
});

test('no more short files are under way than the destination takes at once', async () => {
  const lab = createLab({ limits: { files: 2 }, rigs: { rig: { putMs: () => 3_000 } } });
  const files = [];
  for (let n = 0; n < 6; n++) files.push(await staged(lab));
  for (const { file, id } of files) await expectDelivered(lab, file, id);
});
