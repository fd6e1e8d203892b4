import { beforeAll, describe, expect, test } from 'vitest';
import { Fault } from '#core/fault.ts';
import { DigestAlgorithm } from '#core/wire/digest.ts';
import { bytesOf } from '../simulation/chance.ts';
import { digestsOf, hashingOf, untilHashed } from './digest-kit.ts';
import { createLab } from './lab.ts';
import { script } from './script.ts';
import { warmUpHashes } from './warm-up.ts';

beforeAll(warmUpHashes);

/** What the lab's first file will be. */
const firstBytes = (sizeBytes: number) => bytesOf(sizeBytes, 1);

describe('a claim that does not hold', () => {
  test.each(DigestAlgorithm.options)('of %s fails the transfer before anything is finished', async (algorithm) => {
    const lab = createLab();
    const file = await lab.announce({ sizeBytes: 70, digests: await digestsOf(firstBytes(69), [algorithm]) });
    await lab.stage(file);
    await lab.ended(file);
    const { step } = await lab.head(file.transferIds[0]!);
    expect(step).toMatchObject({ phase: 'failed', error: { code: 'digest.mismatch' } });
    expect(step.phase === 'failed' && step.error.message).toContain(algorithm);
    expect(lab.delivered('rig', file.transferIds[0]!)).toBeNull();
  });

  test('fails before a byte is sent where the bytes had to be hashed first', async () => {
    const lab = createLab({ rigs: { rig: { needs: ['sha1'] } } });
    const file = await lab.announce({ sizeBytes: 70, digests: await digestsOf(firstBytes(69), ['md5']) });
    await lab.stage(file);
    await lab.ended(file);
    expect((await lab.head(file.transferIds[0]!)).step).toMatchObject({ error: { code: 'digest.mismatch' } });
    expect(lab.world.rigs.get('rig')?.sessions()).toHaveLength(0);
    expect(lab.world.staging.sentBytes()).toBe(70);
  });
});

describe('a claim', () => {
  test('is known to hold before the last part is through', async () => {
    const lab = createLab({ rigs: { rig: { putMs: () => 1_000 } } });
    const file = await lab.announce({ sizeBytes: 200, digests: await digestsOf(firstBytes(200), ['sha1']) });
    await lab.stage(file);
    await untilHashed(lab, file);
    expect((await lab.row(file.transferIds[0]!)).phase).toBe('moving');
    await lab.ended(file);
    expect((await lab.row(file.transferIds[0]!)).phase).toBe('done');
    expect(lab.world.staging.sentBytes()).toBe(2 * 200);
  });

  test('does not keep the end of a slow upload waiting', async () => {
    const lab = createLab();
    const file = await lab.announce({ sizeBytes: 100, digests: await digestsOf(firstBytes(100), ['sha1']) });
    for (let number = 1; number <= 10; number++) {
      await lab.pass(40_000);
      await lab.stage(file, [number]);
    }
    await lab.ended(file, 5_000);
    expect((await lab.row(file.transferIds[0]!)).phase).toBe('done');
    expect(lab.world.staging.sentBytes()).toBe(2 * 100);
  });

  test('whose hashing gave up while parts were moving is hashed once more when they are through', async () => {
    const reads = script();
    const lab = createLab({ fates: reads, rigs: { rig: { putMs: () => 5_000, inFlightMax: 1 } } });
    const file = await lab.announce({ sizeBytes: 40, digests: await digestsOf(firstBytes(40), ['sha1']) });
    await lab.stage(file, [2]);
    // The destination is opened with the first chunk: what fails is the hashing, which is begun before the first part.
    await lab.stage(file, [1]);
    reads.next('source.read', { fails: 'before', error: new Fault('rejected', 'bucket.refused', 'no') });
    await lab.until(async () => ((await hashingOf(lab, file))?.fault ?? null) !== null);
    expect((await lab.row(file.transferIds[0]!)).phase).toBe('moving');
    await lab.stage(file, [3, 4]);
    await lab.ended(file);
    expect((await lab.row(file.transferIds[0]!)).phase).toBe('done');
  });

  test('costs less than half a write for each chunk of a slow upload', async () => {
    const writes = async (digests: Awaited<ReturnType<typeof digestsOf>>): Promise<number> => {
      const lab = createLab();
      const file = await lab.announce({ sizeBytes: 1_000, digests });
      for (let number = 1; number <= 100; number++) {
        await lab.pass(2_500);
        await lab.stage(file, [number]);
      }
      await lab.ended(file);
      return lab.world.table.writes();
    };
    const [bare, claimed] = [await writes({}), await writes(await digestsOf(firstBytes(1_000), ['sha1']))];
    expect((claimed - bare) / 100).toBeLessThan(0.5);
  });
});
