/** Law: whatever dies in the middle of a hashing, the digests are right, and the transfers that wait for them end. */
import { beforeAll, expect, test } from 'vitest';
import type { Digests } from '#core/wire/digest.ts';
import { bytesOf } from '../simulation/chance.ts';
import { sweepCrashes } from './crash-sweep-laws.ts';
import type { Freight, Run, Story } from './crash-sweep-run.ts';
import { digestsOf } from './digest-kit.ts';
import { warmUpHashes } from './warm-up.ts';

beforeAll(warmUpHashes);

const CRCS = ['crc64', 'crc64nvme'] as const;
const SIZE_BYTES = 55;

const stories: readonly (readonly [string, Story])[] = [
  [
    'two destinations that need different digests, and a claim',
    { rigs: { a: { needs: ['sha1'] }, b: { needs: ['md5', 'crc64'] } }, tell: arriving(['sha256']) },
  ],
  ['CRCs of chunks that come in any order', { rigs: { rig: { needs: CRCS } }, tell: arriving([]) }],
  [
    'a claimed CRC, checked while the parts move',
    { rigs: { rig: { putMs: () => 1_500 } }, tell: arriving(['crc64nvme']) },
  ],
];

test.each(stories)('%s: a death before or after any effect changes nothing in the end', async (_title, story) => {
  expect(await sweepCrashes(story)).toBeGreaterThan(12);
});

/** Chunks come before, while and after the engine looks for them, and the client claims these digests. */
function arriving(claimed: readonly (keyof Digests)[]): Story['tell'] {
  return async (run: Run): Promise<Freight> => {
    const digests = await digestsOf(bytesOf(SIZE_BYTES, 1), claimed);
    const { upload, content, transferIds } = await run.announce({ sizeBytes: SIZE_BYTES, digests });
    const arrivals: readonly [readonly number[], number][] = [
      [[1], 700],
      [[4, 3], 3_000],
      [[2], 40_000],
      [[6, 5], 0],
    ];
    for (const [numbers, pauseMs] of arrivals) {
      await run.lab.stage({ upload, content, transferIds }, numbers);
      await run.pass(pauseMs);
    }
    return { uploadId: upload.uploadId, content, transferIds };
  };
}
