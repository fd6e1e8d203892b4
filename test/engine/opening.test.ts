import { beforeAll, describe, expect, test } from 'vitest';
import { Fault } from '#core/fault.ts';
import { openAsks } from '#core/intake/announce.ts';
import { giveAnswers } from '#core/intake/answers.ts';
import { digestKey } from '#core/state.ts';
import { bytesOf } from '../simulation/chance.ts';
import { digestOf } from '../simulation/streams.ts';
import { createLab } from './lab.ts';
import { script } from './script.ts';
import { warmUpHashes } from './warm-up.ts';

beforeAll(warmUpHashes);

/** What the lab's first file will be. */
const firstBytes = (sizeBytes: number) => bytesOf(sizeBytes, 1);
const sha1 = (sizeBytes: number) => digestOf('sha1', firstBytes(sizeBytes));

describe('a destination that knows the file by its digest', () => {
  test('has it at once, and not a byte is staged', async () => {
    const lab = createLab({ rigs: { rig: { needs: ['sha1'], instant: 'by-digest' } } });
    lab.world.rigs.get('rig')?.knows(firstBytes(50));
    const file = await lab.announce({ sizeBytes: 50, digests: { sha1: sha1(50) } });
    await lab.ended(file, 5_000);
    const head = await lab.head(file.transferIds[0]!);
    expect(head.step).toMatchObject({ phase: 'done', instant: true });
    expect(lab.world.staging.sentBytes()).toBe(0);
    expect(lab.delivered('rig', file.transferIds[0]!)).toEqual(firstBytes(50));
  });

  test('takes the parts when it does not have it', async () => {
    const lab = createLab({ rigs: { rig: { needs: ['sha1'], instant: 'by-digest' } } });
    const file = await lab.announce({ sizeBytes: 50, digests: { sha1: sha1(50) } });
    await lab.stage(file);
    await lab.ended(file);
    expect((await lab.head(file.transferIds[0]!)).step).toMatchObject({ phase: 'done', instant: false });
  });
});

describe('a destination that needs a digest which the client did not bring', () => {
  test.each([0, 1, 95])('is opened when %i staged bytes have been hashed', async (sizeBytes) => {
    const lab = createLab({ rigs: { rig: { needs: ['sha1', 'md5'] } } });
    const file = await lab.announce({ sizeBytes });
    await lab.pass(5_000);
    expect(lab.world.rigs.get('rig')?.sessions()).toHaveLength(sizeBytes === 0 ? 1 : 0);
    await lab.stage(file);
    await lab.ended(file);
    const [session] = lab.world.rigs.get('rig')?.sessions() ?? [];
    expect(session?.item.digests).toEqual({ sha1: sha1(sizeBytes), md5: digestOf('md5', firstBytes(sizeBytes)) });
  });

  test('is hashed as the bytes come, once for all destinations', async () => {
    const lab = createLab({ rigs: { a: { needs: ['sha1'] }, b: { needs: ['sha1'] } } });
    const file = await lab.announce({ sizeBytes: 60 });
    for (const number of [1, 2, 3, 4]) {
      await lab.stage(file, [number]);
      await lab.pass(90_000);
    }
    const row = await lab.world.table.get(digestKey(file.upload.uploadId, ['sha1']));
    expect(row?.state).toMatchObject({ cursorBytes: 40 });
    await lab.stage(file, [5, 6]);
    await lab.ended(file);
    expect(lab.world.staging.sentBytes()).toBe(3 * 60);
  });

  test('does not keep a function busy while no byte comes', async () => {
    const lab = createLab({ rigs: { rig: { needs: ['sha1'] } } });
    const file = await lab.announce({ sizeBytes: 60 });
    await lab.stage(file, [1]);
    await lab.pass(30_000);
    const before = lab.world.table.writes();
    await lab.pass(600_000);
    expect(lab.world.table.writes() - before).toBeLessThan(30);
  });

  test('is not opened when the hashing fails for good, and is after a retry', async () => {
    const fates = script();
    const lab = createLab({ fates, rigs: { rig: { needs: ['sha1'] } } });
    fates.next('source.read', { fails: 'before', error: new Fault('rejected', 'bucket.refused', 'no') });
    const file = await lab.announce({ sizeBytes: 60 });
    await lab.stage(file);
    await lab.ended(file);
    expect((await lab.head(file.transferIds[0]!)).step).toMatchObject({
      phase: 'failed',
      error: { code: 'bucket.refused' },
    });
    await lab.retry(file.transferIds[0]!);
    await lab.ended(file);
    expect((await lab.row(file.transferIds[0]!)).phase).toBe('done');
  });
});

describe('a destination that asks for digests of ranges', () => {
  test('is answered by the client before a byte is staged', async () => {
    const lab = createLab({ rigs: { rig: { needs: ['sha1'], instant: 'by-digest', askRounds: 2 } } });
    const file = await lab.announce({ sizeBytes: 70, digests: { sha1: sha1(70) } });
    for (let round = 0; round < 2; round++) {
      await lab.pass(1_000);
      const asks = openAsks([await lab.row(file.transferIds[0]!)]);
      expect(asks).toHaveLength(1);
      const answers = asks.map(({ id, start, end }) => ({
        id,
        digest: digestOf('sha1', file.content.slice(start, end)),
      }));
      await giveAnswers(lab.world.intake(lab.process('api')), file.upload, answers);
    }
    await lab.pass(1_000);
    expect((await lab.row(file.transferIds[0]!)).phase).toBe('moving');
    expect(lab.world.staging.sentBytes()).toBe(0);
  });

  test('is answered from the staged bytes when no client does', async () => {
    const lab = createLab({ rigs: { rig: { askRounds: 2 } } });
    const file = await lab.announce({ sizeBytes: 70 });
    await lab.stage(file);
    await lab.ended(file);
    expect((await lab.row(file.transferIds[0]!)).phase).toBe('done');
    const [session] = lab.world.rigs.get('rig')?.sessions() ?? [];
    expect(Object.keys(session?.item.answers ?? {})).toHaveLength(2);
  });

  test('gets a range that begins where more than a thousand chunks follow', async () => {
    const lab = createLab({ rigs: { rig: { askRounds: 1, partBytes: 1_000 } } });
    const file = await lab.announce({ sizeBytes: 4_000, chunkBytes: 1 });
    await lab.stage(file);
    await lab.ended(file);
    expect((await lab.row(file.transferIds[0]!)).phase).toBe('done');
  });

  test('for ever, ends the attempt, and a retry counts anew', async () => {
    const lab = createLab({ rigs: { rig: { askRounds: 12 } } });
    const file = await lab.announce({ sizeBytes: 70 });
    await lab.stage(file);
    await lab.ended(file);
    expect((await lab.head(file.transferIds[0]!)).step).toMatchObject({
      phase: 'failed',
      error: { code: 'provider.asks_forever' },
    });
    await lab.retry(file.transferIds[0]!);
    await lab.ended(file);
    expect((await lab.row(file.transferIds[0]!)).phase).toBe('done');
  });
});

describe('a claimed digest', () => {
  test('that the staged bytes do not have fails the transfer before it is finished', async () => {
    const lab = createLab();
    const file = await lab.announce({ sizeBytes: 70, digests: { md5: digestOf('md5', firstBytes(69)) } });
    await lab.stage(file);
    await lab.ended(file);
    const head = await lab.head(file.transferIds[0]!);
    expect(head.step).toMatchObject({ phase: 'failed', error: { code: 'digest.mismatch' } });
    expect(lab.delivered('rig', file.transferIds[0]!)).toBeNull();
  });

  test('that they have lets it through', async () => {
    const lab = createLab();
    const digests = { md5: digestOf('md5', firstBytes(70)), sha256: digestOf('sha256', firstBytes(70)) };
    const file = await lab.announce({ sizeBytes: 70, digests });
    await lab.stage(file);
    await lab.ended(file);
    expect((await lab.row(file.transferIds[0]!)).phase).toBe('done');
  });
});
