import { beforeAll, describe, expect, test } from 'vitest';
import { digestsOf, hashingOf, slowReads, toldTo } from './digest-kit.ts';
import { createLab } from './lab.ts';
import { warmUpHashes } from './warm-up.ts';

beforeAll(warmUpHashes);

const CRCS = ['crc64', 'crc64nvme'] as const;

describe('CRCs alone', () => {
  test('are read before the bytes in front of them are there, and combined', async () => {
    const lab = createLab({ rigs: { rig: { needs: CRCS } } });
    const file = await lab.announce({ sizeBytes: 95 });
    await lab.stage(file, [3, 5, 6, 10]);
    await lab.pass(10_000);
    expect(await hashingOf(lab, file)).toMatchObject({
      cursorBytes: 0,
      pieces: [
        { start: 20, end: 30 },
        { start: 40, end: 60 },
        { start: 90, end: 95 },
      ],
    });
    await lab.stage(file, [1, 2]);
    await lab.pass(10_000);
    expect(await hashingOf(lab, file)).toMatchObject({ cursorBytes: 30 });
    await lab.stage(file, [4, 7, 8, 9]);
    await lab.ended(file);
    expect(toldTo(lab, 'rig', file)).toEqual(await digestsOf(file.content, [...CRCS]));
    expect(lab.world.staging.sentBytes()).toBe(2 * 95);
  });

  test('are read from several places at once, of four at most', async () => {
    const fates = slowReads(1_000);
    const lab = createLab({ rigs: { rig: { needs: ['crc64'] } }, fates });
    const file = await lab.announce({ sizeBytes: 120 });
    await lab.stage(file, [1, 3, 5, 7, 9, 11]);
    await lab.pass(10_000);
    const [first = 0] = fates.at;
    expect(fates.at.map((at) => at - first)).toEqual([0, 0, 0, 0, 1_000, 1_000]);
  });

  test('keep the ranges that were read when another one fails', async () => {
    const fates = slowReads(0, (read) => (read === 2 ? { fails: 'before' } : {}));
    const lab = createLab({ rigs: { rig: { needs: ['crc64'] } }, fates });
    const file = await lab.announce({ sizeBytes: 100 });
    await lab.stage(file, [1, 3, 5, 7]);
    await lab.until(async () => ((await hashingOf(lab, file))?.failures ?? 0) > 0);
    expect(await hashingOf(lab, file)).toMatchObject({ pieces: [{ end: 10 }, { start: 40 }, { start: 60 }] });
    await lab.stage(file, [2, 4, 6, 8, 9, 10]);
    await lab.ended(file);
    expect(toldTo(lab, 'rig', file)).toEqual(await digestsOf(file.content, ['crc64']));
    expect(lab.world.staging.sentBytes()).toBe(2 * 100);
  });

  test('keep a row small, however many gaps there are', async () => {
    const lab = createLab({ rigs: { rig: { needs: CRCS } } });
    const file = await lab.announce({ sizeBytes: 1_000 });
    await lab.stage(
      file,
      Array.from({ length: 49 }, (_, i) => 2 * i + 2),
    );
    await lab.pass(60_000);
    const state = await hashingOf(lab, file);
    expect(state?.pieces.length).toBeLessThan(20);
    expect(JSON.stringify(state).length).toBeLessThan(3_000);
    await lab.stage(file, [...Array.from({ length: 50 }, (_, i) => 2 * i + 1), 100]);
    await lab.ended(file);
    expect(toldTo(lab, 'rig', file)).toEqual(await digestsOf(file.content, [...CRCS]));
    expect(lab.world.staging.sentBytes()).toBe(2 * 1_000);
  });
});
