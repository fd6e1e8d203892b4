/** The engine's side of staging on R2, by a Worker's binding. Browsers put by its S3 API. README.md says what R2 cannot keep. */
import {
  type ByteRange,
  changedFault,
  rangeFault,
  requireRange,
  type StagedObject,
  type StagingSource,
} from '#core/ports/staging.ts';
import type { R2Bucket, R2Object } from './binding.ts';
import { boundBody } from './body.ts';
import { mayBeOutsideRange, stagingFault } from './faults.ts';

/**
 * Faults beside the port's own: transient `staging.unavailable`, `staging.short_body`; throttled `staging.slow_down`; auth
 * `staging.denied`, `staging.no_bucket`; bug `staging.refused`, `staging.long_body`.
 */
export function r2StagingSource(bucket: R2Bucket): StagingSource {
  return {
    list: (query) => list(bucket, query),
    stat: async (key) => {
      const object = await bucket.head(key).catch(raise);
      return object && staged(object);
    },
    read: (object, range, signal) => read(bucket, object, range, signal),
    remove: (key, version) => remove(bucket, key, version),
  };
}

/** The most keys that R2 answers at once. */
const PAGE_KEYS_MAX = 1000;

async function list(
  bucket: R2Bucket,
  { prefix, limit, ...query }: { readonly prefix: string; readonly after?: string; readonly limit: number },
): Promise<StagedObject[]> {
  const listed: StagedObject[] = [];
  let { after } = query;
  while (listed.length < limit) {
    const page = await bucket
      .list({
        prefix,
        limit: Math.min(limit - listed.length, PAGE_KEYS_MAX),
        ...(after === undefined ? {} : { startAfter: after }),
      })
      .catch(raise);
    listed.push(...page.objects.map(staged));
    // The last key says where to go on as well as a cursor does.
    after = page.objects.at(-1)?.key;
    if (!page.truncated || after === undefined) break;
  }
  return listed;
}

async function read(
  bucket: R2Bucket,
  { key, version }: { readonly key: string; readonly version: string },
  { start, end }: ByteRange,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  signal.throwIfAborted();
  requireRange({ start, end });
  if (start === end) return new ReadableStream({ start: (controller) => controller.close() });
  const asked = ask(bucket, key, version, { start, end });
  const object = await unlessAborted(asked, signal, (late) => late?.body?.cancel());
  const fault = unlikeAsked(object, version, end);
  if (fault === null && object?.body !== undefined) return boundBody(object.body, end - start, signal);
  await object?.body?.cancel();
  throw fault ?? changedFault();
}

async function ask(bucket: R2Bucket, key: string, version: string, { start, end }: ByteRange) {
  try {
    return await bucket.get(key, { range: { offset: start, length: end - start }, onlyIf: { etagMatches: version } });
  } catch (error) {
    if (!mayBeOutsideRange(error)) throw stagingFault(error);
    // Which of the two R2 looks at first, the range or the condition, is not said anywhere.
    const now = await bucket.head(key).catch(raise);
    if (now?.etag !== version) throw changedFault();
    throw now.size < end ? rangeFault(error) : stagingFault(error);
  }
}

/** The binding takes no signal: what it answers to somebody who has gone is let go of. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal, letGo: (late: T) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(signal.reason);
      // Nobody is there any more who could be told that it failed.
      work.then(letGo).catch(() => undefined);
    };
    signal.addEventListener('abort', abort, { once: true });
    const end = () => signal.removeEventListener('abort', abort);
    work.finally(end).then(resolve, reject);
  });
}

function unlikeAsked(object: R2Object | null, version: string, end: number) {
  if (object === null || object.etag !== version) return changedFault();
  return object.size < end ? rangeFault() : null;
}

/** R2 has no conditional delete, and a look before it could still lose what is put in between: so a version is never removed. */
async function remove(bucket: R2Bucket, key: string, version: string | undefined): Promise<boolean> {
  if (version !== undefined) return (await bucket.head(key).catch(raise)) === null;
  await bucket.delete(key).catch(raise);
  return true;
}

function staged({ key, etag, size, uploaded }: R2Object): StagedObject {
  return { key, version: etag, sizeBytes: size, modifiedAtMs: uploaded.getTime() };
}

function raise(error: unknown): never {
  throw stagingFault(error);
}
