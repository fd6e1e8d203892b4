/** Staging on a bucket of Aliyun OSS. README.md says which laws of the port OSS cannot keep. */
import { exactBody } from '#clients/oss/body.ts';
import type { OssClient } from '#clients/oss/client.ts';
import { isOssError, OssError, ossFault } from '#clients/oss/faults.ts';
import { deleteObject, getRange, headObject, listObjects } from '#clients/oss/objects.ts';
import { Fault } from '#core/fault.ts';
import {
  type ByteRange,
  changedFault,
  rangeFault,
  requireRange,
  type StagedObject,
  type StagingIntake,
  type StagingSource,
} from '#core/ports/staging.ts';
import { chunkPresigner, type OssPresignConfig } from './presign.ts';

/** Signs without asking the store. Needs a clock that agrees with the store's within a quarter of an hour. */
export function ossStagingIntake(config: OssPresignConfig): StagingIntake {
  return { presignChunk: chunkPresigner(config) };
}

/**
 * Faults beside the port's own: transient `staging.unavailable`, `staging.short_body`; throttled `staging.slow_down`; auth
 * `staging.denied`, `staging.token_expired`, `staging.clock_skewed`, `staging.no_bucket`; bug `staging.refused`, `oss.bad_answer`.
 */
export function ossStagingSource(client: OssClient): StagingSource {
  return {
    list: (query) => list(client, query),
    stat: async (key) => {
      const head = await short((signal) => headObject(client, key, signal));
      return head && { key, version: head.etag, sizeBytes: head.sizeBytes, modifiedAtMs: head.modifiedAtMs };
    },
    read: (object, range, signal) => read(client, object, range, signal),
    remove: (key, version) => remove(client, key, version),
  };
}

export const AREA = 'staging';
export const PLACE = 'the staging bucket';

/** A call that is short, to which the port gives no signal: the transport's own limits end it. Its failure as a Fault. */
export async function short<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  try {
    return await call(NEVER);
  } catch (error) {
    throw ossFault(error, AREA, PLACE);
  }
}

const NEVER = new AbortController().signal;

async function list(
  client: OssClient,
  { prefix, limit, ...query }: { readonly prefix: string; readonly after?: string; readonly limit: number },
): Promise<StagedObject[]> {
  const listed: StagedObject[] = [];
  let { after } = query;
  while (listed.length < limit) {
    const more = { prefix, limit: limit - listed.length, ...(after === undefined ? {} : { after }) };
    const { objects, isTruncated } = await short((signal) => listObjects(client, more, signal));
    listed.push(...objects.map(({ etag, ...object }) => ({ ...object, version: etag })));
    // The last key says where to go on as well as a continuation token, and never expires.
    after = objects.at(-1)?.key;
    if (!isTruncated || after === undefined) break;
  }
  return listed;
}

async function read(
  client: OssClient,
  { key, version }: { readonly key: string; readonly version: string },
  { start, end }: ByteRange,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  signal.throwIfAborted();
  requireRange({ start, end });
  if (start === end) return new ReadableStream({ start: (controller) => controller.close() });
  const answer = await getRange(client, { key, etag: version, start, end }, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    throw readFault(error);
  });
  const { range, stream } = answer;
  if (answer.etag === version && range?.start === start && range.end === end) {
    return exactBody(stream, end - start, { signal, area: AREA, place: PLACE });
  }
  stream.destroy();
  if (answer.etag !== version) throw changedFault();
  // A range that goes past the end is cut there, or answered with the whole object.
  if (range === null || range.sizeBytes < end) throw rangeFault();
  throw new Fault('bug', 'staging.bad_answer', 'the staging bucket gave another range than the one asked for');
}

/** OSS has no conditional delete, and a look before it could still lose what is put in between: so a version is never removed. */
async function remove(client: OssClient, key: string, version: string | undefined): Promise<boolean> {
  if (version !== undefined) return (await short((signal) => headObject(client, key, signal))) === null;
  await short((signal) => deleteObject(client, key, signal));
  return true;
}

function readFault(error: unknown): Fault {
  if (!(error instanceof OssError)) return ossFault(error, AREA, PLACE);
  if (error.status === 416) return rangeFault(error);
  if (error.status === 412 || isOssError(error, 'NoSuchKey')) return changedFault(error);
  return ossFault(error, AREA, PLACE);
}
