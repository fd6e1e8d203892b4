import { beforeAll, describe, expect, test } from 'vitest';
import { DigestAlgorithm } from '#core/wire/digest.ts';
import { bytesOf, chanceOf } from '../simulation/chance.ts';
import { digestsOf, hashingOf, toldTo } from './digest-kit.ts';
import { createLab } from './lab.ts';
import { warmUpHashes } from './warm-up.ts';

beforeAll(warmUpHashes);

const ALL = DigestAlgorithm.options;
const CRCS = ['crc64', 'crc64nvme'] as const;
/** What the lab's first file will be. */
const firstBytes = (sizeBytes: number) => bytesOf(sizeBytes, 1);

describe('staged bytes are read once for all digests', () => {
  test('whatever each destination needs', async () => {
    const lab = createLab({ rigs: { a: { needs: ['sha1', 'md5'] }, b: { needs: ['sha256'] }, c: {} } });
    const file = await lab.announce({ sizeBytes: 95 });
    await lab.stage(file);
    await lab.ended(file);
    expect(toldTo(lab, 'a', file)).toMatchObject(await digestsOf(file.content, ['sha1', 'md5']));
    expect(toldTo(lab, 'b', file)).toMatchObject(await digestsOf(file.content, ['sha256']));
    expect(lab.world.staging.sentBytes()).toBe(95 * (1 + 3));
  });

  test('and whatever the client claimed', async () => {
    const lab = createLab({ rigs: { a: { needs: ['sha1'] }, b: {} } });
    const digests = await digestsOf(firstBytes(95), ['md5', 'crc64nvme']);
    const file = await lab.announce({ sizeBytes: 95, digests });
    await lab.stage(file);
    await lab.ended(file);
    expect((await lab.row(file.transferIds[1]!)).phase).toBe('done');
    expect((await hashingOf(lab, file))?.result).toEqual(await digestsOf(file.content, ['sha1', 'md5', 'crc64nvme']));
    expect(lab.world.staging.sentBytes()).toBe(95 * (1 + 2));
  });

  test('a destination that is there no more costs the others nothing', async () => {
    const lab = createLab({ rigs: { rig: { needs: ['sha1'] } } });
    const file = await lab.announce({ sizeBytes: 40, to: ['rig', 'gone'] });
    await lab.stage(file);
    await lab.ended(file);
    expect((await lab.row(file.transferIds[0]!)).phase).toBe('done');
    expect(lab.world.staging.sentBytes()).toBe(2 * 40);
  });
});

describe('every digest is right', () => {
  test.each([0, 1, 9, 10, 95])('of %i bytes', async (sizeBytes) => {
    const lab = createLab({ rigs: { rig: { needs: ALL } } });
    const file = await lab.announce({ sizeBytes });
    await lab.stage(file);
    await lab.ended(file);
    expect(toldTo(lab, 'rig', file)).toEqual(await digestsOf(file.content));
  });

  test.each([0, 1, 95])('of %i bytes of which only CRCs are wanted', async (sizeBytes) => {
    const lab = createLab({ rigs: { rig: { needs: CRCS } } });
    const file = await lab.announce({ sizeBytes });
    await lab.stage(file);
    await lab.ended(file);
    expect(toldTo(lab, 'rig', file)).toEqual(await digestsOf(file.content, [...CRCS]));
  });

  test.each([
    ['all', ALL],
    ['CRCs', CRCS],
  ] as const)('in whatever order the chunks come: %s', async (_name, needs) => {
    const lab = createLab({ rigs: { rig: { needs } } });
    const file = await lab.announce({ sizeBytes: 195 });
    for (const number of chanceOf(5).shuffled(Array.from({ length: 20 }, (_, i) => i + 1))) {
      await lab.stage(file, [number]);
      await lab.pass(7_000);
    }
    await lab.ended(file);
    expect(toldTo(lab, 'rig', file)).toEqual(await digestsOf(file.content, [...needs]));
    expect(lab.world.staging.sentBytes()).toBe(2 * 195);
  });

  test('of an object in the inbox', async () => {
    const lab = createLab({ rigs: { rig: { needs: ALL, partBytes: 50_000 } } });
    const content = bytesOf(200_000, 9);
    await lab.putObject('inbox/rig/film.mp4', content);
    await lab.until(() => (lab.world.rigs.get('rig')?.sessions().length ?? 0) > 0);
    expect(lab.world.rigs.get('rig')?.sessions()[0]?.item.digests).toEqual(await digestsOf(content));
  });
});
