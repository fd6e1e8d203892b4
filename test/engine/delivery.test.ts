import { describe, expect, test } from 'vitest';
import { chanceOf } from '../simulation/chance.ts';
import { createLab, type Lab, type LabFile } from './lab.ts';

function expectDelivered(lab: Lab, rigId: string, file: LabFile, index = 0): void {
  const id = file.transferIds[index];
  expect(id && lab.delivered(rigId, id)).toEqual(Buffer.from(file.content));
}

describe('a file arrives as it was staged', () => {
  test.each([0, 1, 9, 10, 11, 100, 319, 320, 321, 700])('whatever its size: %i bytes', async (sizeBytes) => {
    const lab = createLab();
    const file = await lab.announce({ sizeBytes });
    await lab.stage(file);
    await lab.ended(file);
    expectDelivered(lab, 'rig', file);
    expect((await lab.head(file.transferIds[0]!)).step).toMatchObject({ phase: 'done', instant: false });
  });

  test.each([1, 3, 5, 7, 10, 20, 33, 1000])('in parts of %i bytes over chunks of 10', async (partBytes) => {
    const lab = createLab({ rigs: { rig: { partBytes } } });
    const file = await lab.announce({ sizeBytes: 205 });
    await lab.stage(file);
    await lab.ended(file);
    expectDelivered(lab, 'rig', file);
  });

  test('in ascending order, one part at a time', async () => {
    const lab = createLab({ rigs: { rig: { order: 'ascending', inFlightMax: 8 } } });
    const file = await lab.announce({ sizeBytes: 700 });
    await lab.stage(file);
    await lab.ended(file);
    expectDelivered(lab, 'rig', file);
  });

  test('over several stripes when more parts may move than one function drives', async () => {
    const lab = createLab({ rigs: { rig: { inFlightMax: 16 } }, limits: { parts: 9, functionParts: 2 } });
    const file = await lab.announce({ sizeBytes: 2000 });
    await lab.stage(file);
    await lab.ended(file);
    expectDelivered(lab, 'rig', file);
    expect(await lab.world.table.query(`T#${file.transferIds[0]}`, 'S#1#')).toHaveLength(5);
  });

  test('at three destinations at once, each with parts of its own', async () => {
    const lab = createLab({
      rigs: { a: { partBytes: 7 }, b: { partBytes: 30, order: 'ascending' }, c: { canList: false } },
    });
    const file = await lab.announce({ sizeBytes: 333 });
    await lab.stage(file);
    await lab.ended(file);
    expectDelivered(lab, 'a', file, 0);
    expectDelivered(lab, 'b', file, 1);
    expectDelivered(lab, 'c', file, 2);
  });

  test('from one object in the inbox', async () => {
    const lab = createLab();
    const content = new TextEncoder().encode('an object that an S3 client has put');
    await lab.putObject('inbox/rig/films/2025/film.mp4', content);
    await lab.until(() => (lab.world.rigs.get('rig')?.files().length ?? 0) > 0);
    const [file] = lab.world.rigs.get('rig')?.files() ?? [];
    expect(file).toMatchObject({ name: 'film.mp4', folder: '/films/2025', content: Buffer.from(content) });
  });

  test('when every hint is lost and only sweeps find work', async () => {
    const lab = createLab({ hints: 'are lost', rigs: { rig: { order: 'ascending' } } });
    const file = await lab.announce({ sizeBytes: 330 });
    await lab.stage(file);
    await lab.ended(file);
    expectDelivered(lab, 'rig', file);
  });

  test('when every hint comes twice', async () => {
    const lab = createLab({ hints: 'are doubled', limits: { parts: 8, functionParts: 2 } });
    const file = await lab.announce({ sizeBytes: 990 });
    await lab.stage(file);
    await lab.ended(file);
    expectDelivered(lab, 'rig', file);
  });

  test('when functions may work for five seconds only', async () => {
    const lab = createLab({ budgetMs: 5_000, rigs: { rig: { putMs: () => 1_500 } } });
    const file = await lab.announce({ sizeBytes: 700 });
    await lab.stage(file);
    await lab.ended(file);
    expectDelivered(lab, 'rig', file);
  });

  test('when a part takes longer than a lease', async () => {
    const lab = createLab({ rigs: { rig: { putMs: () => 150_000 } } });
    const file = await lab.announce({ sizeBytes: 30 });
    await lab.stage(file);
    await lab.ended(file);
    expectDelivered(lab, 'rig', file);
    expect((await lab.head(file.transferIds[0]!)).failures).toBe(0);
  });
});

describe('delivery begins before the file is whole', () => {
  test('a part moves as soon as its chunks are staged, in whatever order they come', async () => {
    const lab = createLab({ rigs: { rig: { partBytes: 15 } } });
    const file = await lab.announce({ sizeBytes: 300 });
    for (const number of chanceOf(3).shuffled(Array.from({ length: 30 }, (_, i) => i + 1))) {
      await lab.stage(file, [number]);
      await lab.pass(7_000);
    }
    const [session] = lab.world.rigs.get('rig')?.sessions() ?? [];
    expect(session?.parts.size).toBe(20);
    await lab.ended(file);
    expectDelivered(lab, 'rig', file);
  });

  test('nothing is opened before the first chunk is there', async () => {
    const lab = createLab();
    const file = await lab.announce({ sizeBytes: 100 });
    await lab.stage(file, [2, 3]);
    await lab.pass(120_000);
    expect(lab.world.rigs.get('rig')?.sessions()).toHaveLength(0);
  });

  test('a client that comes back after an hour is noticed at once', async () => {
    const lab = createLab();
    const file = await lab.announce({ sizeBytes: 40 });
    await lab.stage(file, [1]);
    await lab.pass(3_600_000);
    await lab.stage(file, [2, 3, 4]);
    await lab.ended(file, 10_000);
    expectDelivered(lab, 'rig', file);
  });

  test('a chunk whose event was lost is found within an hour', async () => {
    const lab = createLab({ hints: 'are lost' });
    const file = await lab.announce({ sizeBytes: 40 });
    await lab.stage(file, [1]);
    await lab.pass(3_600_000);
    await lab.stage(file, [2, 3, 4]);
    await lab.ended(file, 3_700_000);
    expectDelivered(lab, 'rig', file);
  });
});

test('a part costs at most 1.2 writes of the table', async () => {
  const lab = createLab({ rigs: { rig: { putMs: () => 2_000 } } });
  const file = await lab.announce({ sizeBytes: 3_200 });
  await lab.stage(file);
  await lab.ended(file);
  expect(lab.world.table.writes() / 320).toBeLessThan(1.2);
});

test('chunks that come one by one cost at most 1.2 writes each', async () => {
  const lab = createLab({ rigs: { rig: { putMs: () => 200 } } });
  const file = await lab.announce({ sizeBytes: 3_200 });
  const before = lab.world.table.writes();
  for (let number = 1; number <= 320; number++) {
    await lab.stage(file, [number]);
    await lab.pass(1_000);
  }
  await lab.ended(file);
  expect((lab.world.table.writes() - before) / 320).toBeLessThan(1.2);
});
