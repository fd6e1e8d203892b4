/** Staging on a bucket that speaks S3. */

import type { ListObjectsV2CommandOutput, S3Client } from '@aws-sdk/client-s3';
import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { statusOf, told } from '#clients/s3/refusal.ts';
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
import { webBody } from './body.ts';
import { exactly } from './exact.ts';
import { stagingFault } from './faults.ts';
import { chunkPresigner, type PresignConfig } from './presign.ts';

/** The most keys that S3 answers at once. */
const PAGE_KEYS_MAX = 1000;

/** `never` for a store that ignores the condition of a removal, and so would remove a newer content. */
export type VersionedRemoval = 'conditional' | 'never';

/** Signs without asking the store. Needs a clock that agrees with the store's within its tolerance (15 minutes on AWS). */
export function s3StagingIntake(config: PresignConfig): StagingIntake {
  return { presignChunk: chunkPresigner(config) };
}

/**
 * Faults beside the port's own: transient `staging.unavailable`, `staging.short_body`; throttled `staging.slow_down`; auth
 * `staging.denied`, `staging.no_bucket`; bug `staging.refused` and answers that S3 would not give.
 */
export function s3StagingSource(
  client: S3Client,
  bucket: string,
  versionedRemoval: VersionedRemoval = 'conditional',
): StagingSource {
  return {
    list: (query) => list(client, bucket, query),
    stat: (key) => stat(client, bucket, key),
    read: (object, range, signal) => read(client, bucket, object, range, signal),
    remove: async (key, version) =>
      version !== undefined && versionedRemoval === 'never' ? false : remove(client, bucket, key, version),
  };
}

async function list(
  client: S3Client,
  bucket: string,
  query: { readonly prefix: string; readonly after?: string; readonly limit: number },
): Promise<StagedObject[]> {
  const objects: StagedObject[] = [];
  let after = query.after;
  while (objects.length < query.limit) {
    const answer = await client
      .send(
        new ListObjectsV2Command({
          Bucket: bucket,
          Prefix: query.prefix,
          ...(after === undefined ? {} : { StartAfter: after }),
          MaxKeys: Math.min(query.limit - objects.length, PAGE_KEYS_MAX),
          // Keys may hold characters that XML cannot.
          EncodingType: 'url',
        }),
      )
      .catch(raise);
    const page = decodePage(answer);
    objects.push(...page);
    // The last key says where to go on as well as a continuation token, and never expires.
    after = page.at(-1)?.key;
    if (answer.IsTruncated !== true || after === undefined) break;
  }
  return objects;
}

function decodePage(answer: ListObjectsV2CommandOutput): StagedObject[] {
  const isEncoded = answer.EncodingType === 'url';
  return (answer.Contents ?? []).map(({ Key: key, ETag: etag, Size: sizeBytes, LastModified: modified }) => {
    if (key === undefined) throw badAnswer('a listed object without a key');
    return staged(isEncoded ? decodeURIComponent(key.replaceAll('+', ' ')) : key, etag, sizeBytes, modified);
  });
}

async function stat(client: S3Client, bucket: string, key: string): Promise<StagedObject | null> {
  const answer = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key })).catch((error: unknown) => {
    if (statusOf(error) === 404) return null;
    throw stagingFault(error);
  });
  return answer && staged(key, answer.ETag, answer.ContentLength, answer.LastModified);
}

async function read(
  client: S3Client,
  bucket: string,
  object: { readonly key: string; readonly version: string },
  { start, end }: ByteRange,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  signal.throwIfAborted();
  requireRange({ start, end });
  if (start === end) return empty();
  const command = new GetObjectCommand({
    Bucket: bucket,
    Key: object.key,
    Range: `bytes=${start}-${end - 1}`,
    IfMatch: `"${object.version}"`,
  });
  const answer = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw readFault(error);
  });
  const body = webBody(answer.Body, signal);
  const fault = unlikeAsked(answer, object.version, start, end);
  if (fault === null) return exactly(body, end - start);
  await body.cancel(fault);
  throw fault;
}

/** S3 cuts a range at the object's end, and a store that knows no conditions answers whatever it has. */
function unlikeAsked(
  answer: { readonly ETag?: string | undefined; readonly ContentRange?: string | undefined },
  version: string,
  start: number,
  end: number,
): Fault | null {
  if (answer.ETag !== undefined && unquoted(answer.ETag) !== version) return changedFault();
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.ContentRange ?? '') ?? [];
  if (total === undefined) return badAnswer('a ranged read answered without its range');
  if (Number(total) < end) return rangeFault();
  return Number(first) === start && Number(last) === end - 1 ? null : badAnswer('another range than the one asked for');
}

function readFault(error: unknown): Fault {
  const status = statusOf(error);
  if (status === 416) return rangeFault(told(error));
  const isGone = status === 412 || (status === 404 && !(error instanceof Error && error.name === 'NoSuchBucket'));
  return isGone ? changedFault(told(error)) : stagingFault(error);
}

async function remove(client: S3Client, bucket: string, key: string, version?: string): Promise<boolean> {
  const condition = version === undefined ? {} : { IfMatch: `"${version}"` };
  try {
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, ...condition }));
    return true;
  } catch (error) {
    const status = statusOf(error);
    if (version !== undefined && (status === 412 || status === 501)) return false;
    if (status === 404 && error instanceof Error && error.name !== 'NoSuchBucket') return true;
    throw stagingFault(error);
  }
}

function staged(
  key: string,
  etag: string | undefined,
  sizeBytes: number | undefined,
  modified: Date | undefined,
): StagedObject {
  if (etag === undefined || sizeBytes === undefined || modified === undefined) {
    throw badAnswer('an object without ETag, size or time');
  }
  return { key, version: unquoted(etag), sizeBytes, modifiedAtMs: modified.getTime() };
}

function unquoted(etag: string): string {
  return etag.replace(/^(?:W\/)?"|"$/g, '');
}

function empty(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() });
}

function badAnswer(what: string): Fault {
  return new Fault('bug', 'staging.bad_answer', `the staging bucket gave ${what}`);
}

function raise(error: unknown): never {
  throw stagingFault(error);
}
