import { beforeAll, describe, expect, test } from 'vitest';
import { uploadIdFrom } from '#core/ids.ts';
import { DIGEST_QUEUE, digestKey } from '#core/state.ts';
import { newDigestState } from '#core/transfer/digest-row.ts';
import { digestsOf, hashingOf, slowReads, toldTo, untilHashed } from './digest-kit.ts';
import { createLab } from './lab.ts';
import { warmUpHashes } from './warm-up.ts';

beforeAll(warmUpHashes);

describe('a hashing that is cut short', () => {
  /** More than can be read in one go within the budget, in chunks that take a third of it. */
  const large = { sizeBytes: 200_000, chunkBytes: 10_000 };

  test('by its budget in the middle of a file goes on where it was: no byte is read twice', async () => {
    const fates = slowReads(1);
    const lab = createLab({
      rigs: { rig: { needs: ['sha1', 'sha256'], partBytes: 200_000 } },
      fates,
      budgetMs: 3,
      budgetEnds: 'aborts',
    });
    const file = await lab.announce(large);
    await lab.stage(file);
    expect(await untilHashed(lab, file)).toEqual(await digestsOf(file.content, ['sha1', 'sha256']));
    expect(lab.world.staging.sentBytes()).toBeLessThan(1.01 * large.sizeBytes);
    expect((await lab.world.table.query(`U#${file.upload.uploadId}`, 'H#'))[0]?.token).toBeGreaterThan(5);
  });

  test('by deaths keeps what was committed', async () => {
    const lab = createLab({ rigs: { rig: { needs: ['sha1', 'md5'] } } });
    const file = await lab.announce({ sizeBytes: 60 });
    for (const number of [1, 2, 3, 4]) {
      await lab.stage(file, [number]);
      await lab.pass(10_000);
      lab.killAll();
    }
    await lab.stage(file, [5, 6]);
    await lab.ended(file);
    expect(toldTo(lab, 'rig', file)).toEqual(await digestsOf(file.content, ['sha1', 'md5']));
    expect(lab.world.staging.sentBytes()).toBe(2 * 60);
  });

  test('by a death in one go costs one more reading, which keeps what it has', async () => {
    const fates = slowReads(0, (read) => {
      if (read === 6) return { dies: 'before' };
      return read === 12 ? { fails: 'before' } : {};
    });
    const lab = createLab({ rigs: { rig: { needs: ['sha1'] } }, fates });
    const file = await lab.announce({ sizeBytes: 100 });
    await lab.stage(file);
    await lab.until(async () => ((await hashingOf(lab, file))?.failures ?? 0) > 0);
    expect(await hashingOf(lab, file)).toMatchObject({ cursorBytes: 50 });
    await lab.ended(file);
    expect(toldTo(lab, 'rig', file)).toEqual(await digestsOf(file.content, ['sha1']));
    expect(lab.world.staging.sentBytes()).toBe(50 + 2 * 100);
  });

  test('by a fault in one go keeps from then on', async () => {
    const fates = slowReads(0, (read) => (read === 6 || read === 12 ? { fails: 'before' } : {}));
    const lab = createLab({ rigs: { rig: { needs: ['sha1'] } }, fates });
    const file = await lab.announce({ sizeBytes: 100 });
    await lab.stage(file);
    await lab.until(async () => ((await hashingOf(lab, file))?.failures ?? 0) > 0);
    expect(await hashingOf(lab, file)).toMatchObject({ cursorBytes: 0, isKeeping: true });
    await lab.until(async () => ((await hashingOf(lab, file))?.failures ?? 0) > 1);
    expect(await hashingOf(lab, file)).toMatchObject({ cursorBytes: 50 });
    expect(await untilHashed(lab, file)).toEqual(await digestsOf(file.content, ['sha1']));
  });

  test('begins again when its states are those of another version of the library', async () => {
    const lab = createLab({ rigs: { rig: { needs: ['sha1'] } } });
    const row = { ...digestKey(uploadIdFrom('lab', '1'), ['sha1']), queue: DIGEST_QUEUE, dueAt: 0, phase: 'hashing' };
    const state = {
      ...newDigestState(uploadIdFrom('lab', '1'), ['sha1'], 'prompt'),
      library: 'hash-wasm@0.0.1',
      cursorBytes: 20,
      saved: { sha1: 'bm90IGEgc3RhdGU=' },
    };
    await lab.world.table.create({ ...row, state }, 0);
    const file = await lab.announce({ sizeBytes: 60 });
    await lab.stage(file);
    await lab.ended(file);
    expect(toldTo(lab, 'rig', file)).toEqual(await digestsOf(file.content, ['sha1']));
    expect(lab.world.staging.sentBytes()).toBe(2 * 60);
  });
});
