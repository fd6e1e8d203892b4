import { describe, expect, test } from 'vitest';
import { readView } from '#core/read-view.ts';
import { cancel, pause, resume } from '#core/transfer/wishes.ts';
import type { TransferId } from '#core/wire/ids.ts';
import { createLab, type Lab, type LabFile } from './lab.ts';

const SLOW = { rigs: { rig: { putMs: () => 4_000 } } };

async function moving(lab: Lab, sizeBytes = 400): Promise<{ readonly file: LabFile; readonly id: TransferId }> {
  const file = await lab.announce({ sizeBytes });
  await lab.stage(file);
  await lab.pass(6_000);
  const [id] = file.transferIds;
  if (id === undefined || (await lab.row(id)).phase !== 'moving') throw new Error('it does not move');
  return { file, id };
}

const statusOf = async (lab: Lab, id: TransferId) => (await readView(lab.world.table, await lab.row(id), 0)).status;
const partsAt = (lab: Lab) => lab.world.rigs.get('rig')?.sessions()[0]?.parts.size ?? 0;
const engine = (lab: Lab) => lab.world.engine(lab.process('api'));

describe('pause', () => {
  test('lets parts under way finish and starts no other', async () => {
    const lab = createLab(SLOW);
    const { id } = await moving(lab);
    await pause(engine(lab), id);
    await lab.pass(10_000);
    const parts = partsAt(lab);
    expect(await statusOf(lab, id)).toBe('paused');
    await lab.pass(3 * 3_600_000);
    expect(partsAt(lab)).toBe(parts);
    expect(await statusOf(lab, id)).toBe('paused');
  });

  test('costs next to nothing while it lasts', async () => {
    const lab = createLab(SLOW);
    const { id } = await moving(lab);
    await pause(engine(lab), id);
    await lab.pass(60_000);
    const before = lab.world.table.writes();
    await lab.pass(10 * 3_600_000);
    expect(lab.world.table.writes() - before).toBeLessThan(40);
  });

  test('ends with a resume, and every byte arrives once', async () => {
    const lab = createLab(SLOW);
    const { file, id } = await moving(lab);
    await pause(engine(lab), id);
    await lab.pass(600_000);
    await resume(engine(lab), id);
    await lab.ended(file);
    expect(lab.delivered('rig', id)).toEqual(Buffer.from(file.content));
  });

  test('whose end nobody hears of ends within the hour', async () => {
    const lab = createLab(SLOW);
    const { file, id } = await moving(lab);
    await pause(engine(lab), id);
    await lab.pass(600_000);
    // The process that takes the pause back dies before it wakes anybody.
    await lab.world.table.wish({ pk: `T#${id}`, sk: '@' }, null, lab.world.clock.now());
    await lab.ended(file, 3_700_000);
    expect((await lab.row(id)).phase).toBe('done');
  });

  test('before a byte is there is a pause too', async () => {
    const lab = createLab();
    const file = await lab.announce({ sizeBytes: 50 });
    const id = file.transferIds[0]!;
    await pause(engine(lab), id);
    await lab.stage(file);
    await lab.pass(600_000);
    expect(await statusOf(lab, id)).toBe('paused');
    expect(lab.world.rigs.get('rig')?.sessions()).toHaveLength(0);
    await resume(engine(lab), id);
    await lab.ended(file, 10_000);
    expect(await statusOf(lab, id)).toBe('success');
  });
});

describe('the history of a transfer', () => {
  const told = async (lab: Lab, id: TransferId) => (await lab.head(id)).events.map(({ type }) => type);

  test('says when it was paused and when it went on, each time, and nothing of leases in between', async () => {
    const lab = createLab({ ...SLOW, budgetMs: 20_000 });
    const { file, id } = await moving(lab);
    for (let n = 0; n < 2; n++) {
      await pause(engine(lab), id);
      await lab.pass(600_000);
      await resume(engine(lab), id);
      await lab.pass(20_000);
    }
    await lab.ended(file);
    const begun = ['staging', 'opening', 'moving'];
    expect(await told(lab, id)).toEqual([...begun, 'paused', 'resumed', 'paused', 'resumed', 'finishing', 'done']);
  });

  test('says so too of one that has not begun, and waits for bytes again', async () => {
    const lab = createLab();
    const file = await lab.announce({ sizeBytes: 50 });
    const id = file.transferIds[0]!;
    await pause(engine(lab), id);
    await lab.pass(60_000);
    await resume(engine(lab), id);
    await lab.pass(60_000);
    expect(await told(lab, id)).toEqual(['staging', 'paused', 'resumed']);
    expect((await lab.row(id)).hold).toBe('wait');
  });
});

describe('cancel', () => {
  test('stops what is under way, gives up the session, and removes what was staged', async () => {
    const lab = createLab(SLOW);
    const { file, id } = await moving(lab);
    await cancel(engine(lab), id);
    await lab.ended(file, 30_000);
    expect(await statusOf(lab, id)).toBe('cancelled');
    expect(lab.world.rigs.get('rig')?.sessions()[0]?.state).toBe('discarded');
    await lab.pass(30 * 60_000);
    expect(lab.world.staging.objects()).toEqual([]);
  });

  test('of a paused transfer is heard at once', async () => {
    const lab = createLab(SLOW);
    const { file, id } = await moving(lab);
    await pause(engine(lab), id);
    await lab.pass(600_000);
    await cancel(engine(lab), id);
    await lab.ended(file, 1_000);
    expect(await statusOf(lab, id)).toBe('cancelled');
  });

  test('twice is once, and after that no other wish is taken', async () => {
    const lab = createLab(SLOW);
    const { file, id } = await moving(lab);
    await cancel(engine(lab), id);
    await cancel(engine(lab), id);
    await expect(pause(engine(lab), id)).rejects.toMatchObject({ code: 'transfer.canceling' });
    await lab.ended(file);
    await cancel(engine(lab), id);
    await expect(resume(engine(lab), id)).rejects.toMatchObject({ code: 'transfer.ended' });
  });

  test('is refused while the file is being finished', async () => {
    const lab = createLab({ rigs: { rig: { settlingMs: 600_000 } } });
    const file = await lab.announce({ sizeBytes: 50 });
    await lab.stage(file);
    await lab.pass(60_000);
    const id = file.transferIds[0]!;
    expect((await lab.row(id)).phase).toBe('finishing');
    await expect(cancel(engine(lab), id)).rejects.toMatchObject({ code: 'transfer.finishing' });
    await lab.ended(file);
    expect(await statusOf(lab, id)).toBe('success');
  });

  test('of one destination leaves the others alone', async () => {
    const lab = createLab({ rigs: { a: { putMs: () => 4_000 }, b: { putMs: () => 4_000 } } });
    const file = await lab.announce({ sizeBytes: 200 });
    await lab.stage(file);
    await lab.pass(5_000);
    await cancel(engine(lab), file.transferIds[0]!);
    await lab.ended(file);
    expect(await Promise.all(file.transferIds.map((id) => statusOf(lab, id)))).toEqual(['cancelled', 'success']);
  });
});
