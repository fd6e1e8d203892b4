/** A part as an agent has it that reads the bucket for itself. */

import type { PartBody } from '#core/ports/provider.ts';
import { changedFault, rangeFault } from '#core/ports/staging.ts';
import type { MemoryStaging } from './staging.ts';

export type MemoryBucket = Pick<MemoryStaging, 'presignRange' | 'downloadFrom'>;

const TTL_SECONDS = 300;

/** Object by object; each URL is asked for when its turn comes. */
export function pulled(part: PartBody, bucket: MemoryBucket): ReadableStream<Uint8Array> {
  const spans = part.spans.values();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { done, value: span } = spans.next();
        if (done) return controller.close();
        const { url, headers } = await bucket.presignRange({ ...span, ttlSeconds: TTL_SECONDS });
        const { status, bytes } = bucket.downloadFrom(url, headers);
        if (status === 416) throw rangeFault();
        if (status !== 206) throw changedFault();
        part.flowed?.(bytes.byteLength);
        controller.enqueue(bytes);
      },
    },
    { highWaterMark: 0 },
  );
}
