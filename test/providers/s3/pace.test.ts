import { expect, it } from 'vitest';
import type { PartBody } from '#core/ports/provider.ts';
import { ctx, itemOf } from '../../contract/push-rig.ts';
import { ownBucket } from './own-bucket.ts';
import { s3Rig } from './rig.ts';

const MIB = 1024 ** 2;
const PART_BYTES = 48 * MIB;
/** What the sockets of both ends of a loopback connection take. */
const WINDOW_BYTES = 16 * MIB;

it('a part is read no faster than the store takes it, beyond what sockets hold', async () => {
  await using store = await ownBucket({ bytesPerSecond: 40 * MIB });
  using rig = s3Rig(store, { settings: { partBytes: PART_BYTES } });
  const provider = rig.provider();
  const item = { ...(await itemOf(provider, new Uint8Array())), sizeBytes: PART_BYTES };
  const opening = await provider.open(item, ctx);
  if (opening.kind !== 'ready') throw new Error('a bucket asks nothing');
  const before = store.server.stats().bytesIn;
  let pulledBytes = 0;
  let aheadBytes = 0;
  const piece = new Uint8Array(MIB / 16);
  const part: PartBody = {
    number: 1,
    range: { start: 0, end: PART_BYTES },
    sizeBytes: PART_BYTES,
    spans: [],
    open: async () =>
      new ReadableStream(
        {
          pull: (controller) => {
            if (pulledBytes === PART_BYTES) return controller.close();
            pulledBytes += piece.byteLength;
            aheadBytes = Math.max(aheadBytes, pulledBytes - (store.server.stats().bytesIn - before));
            controller.enqueue(piece);
          },
        },
        { highWaterMark: 0 },
      ),
  };
  const receipt = await provider.put(opening.session, item, part, ctx);
  expect(aheadBytes).toBeLessThan(WINDOW_BYTES);
  expect(await provider.finish(opening.session, item, [receipt], ctx)).toMatchObject({ evidence: 'A' });
});
