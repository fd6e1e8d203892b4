/** What a bucket of OSS that somebody brought can and cannot do, tried out once before it is used. */

import { ulid } from 'ulid';
import type { BrowserAccess } from '#clients/browser-access.ts';
import { type LifecycleRule, lifecycleRules } from '#clients/oss/bucket.ts';
import type { OssClient } from '#clients/oss/client.ts';
import { isOssError, OssError } from '#clients/oss/faults.ts';
import { deleteObject, getRange, headObject, listObjects } from '#clients/oss/objects.ts';
import { Fault } from '#core/fault.ts';
import { UploadId } from '#core/wire/ids.ts';
import { chunkKey, INBOX_PREFIX, STAGING_PREFIX } from '#core/wire/keys.ts';
import { openToBrowsers } from './cors.ts';
import { chunkPresigner, type OssPresignConfig } from './presign.ts';
import { type Doing, surveyFault } from './refusals.ts';

/** `unknown`: these keys may not read the rules. */
export type Lifecycle =
  | 'unknown'
  | {
      /** Delivered objects are removed by a rule: OSS lets nobody else do it safely. */
      readonly clearsInbox: boolean;
      /** The shortest time after which a rule removes what is staged or waits; null: none does. */
      readonly soonestDays: number | null;
      readonly abortsUploads: boolean;
    };

export interface OssSurvey {
  /** Of `x-oss-forbid-overwrite`; a bucket with versions ignores it. */
  readonly writeOnce: 'kept' | 'ignored';
  readonly lifecycle: Lifecycle;
  readonly cors: BrowserAccess;
}

/** For each request: a store that takes longer to answer nothing at all is no use. */
const ANSWER_MS = 15_000;

/**
 * About a dozen requests. Puts one object of one byte where chunks are put, of an upload that nobody announced, and removes it.
 * Throws the Faults of `surveyFault`.
 */
export async function surveyOssBucket(parts: {
  readonly client: OssClient;
  readonly config: OssPresignConfig;
  /** Of the page that will put chunks: `http://localhost:8000`. */
  readonly pageOrigin: string;
}): Promise<OssSurvey> {
  const { client, config, pageOrigin } = parts;
  const told = async <T>(doing: Doing, call: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    try {
      return await call(AbortSignal.timeout(ANSWER_MS));
    } catch (error) {
      throw surveyFault(error, doing, config.endpoint);
    }
  };
  for (const prefix of [STAGING_PREFIX, INBOX_PREFIX]) {
    await told('ListObjects', (signal) => listObjects(client, { prefix, limit: 1 }, signal));
  }
  const uploadId = UploadId.parse(`upl_${ulid()}`);
  const key = chunkKey(uploadId, 1);
  try {
    const writeOnce = await told('PutObject', () => tryPuts(config, uploadId));
    await told('GetObject', (signal) => tryRead(client, key, signal));
    await told('DeleteObject', (signal) => deleteObject(client, key, signal));
    const lifecycle = await lifecycleOf(client);
    return { writeOnce, lifecycle, cors: await openToBrowsers({ client, config, pageOrigin }) };
  } catch (error) {
    // What the survey itself has met is what is told.
    await deleteObject(client, key, AbortSignal.timeout(ANSWER_MS)).catch(() => undefined);
    throw error;
  }
}

/** Puts as a browser does, by a ticket; then once more by another one. */
async function tryPuts(config: OssPresignConfig, uploadId: UploadId): Promise<'kept' | 'ignored'> {
  // From here the store is reached at its endpoint, whatever browsers need.
  const { publicUrl: _, ...direct } = config;
  const put = async (byte: number): Promise<void> => {
    const { url, headers } = await chunkPresigner(direct)({ uploadId, number: 1, sizeBytes: 1, ttlSeconds: 60 });
    const init = { method: 'PUT', headers: { ...headers }, body: Uint8Array.of(byte) };
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_MS) });
    const text = (await answer.text()).slice(0, 2_000);
    if (!answer.ok) throw new OssError(answer.status, /<Code>([A-Za-z.]{1,64})<\/Code>/.exec(text)?.[1] ?? '', '');
  };
  await put(1);
  try {
    await put(2);
    return 'ignored';
  } catch (error) {
    if (isOssError(error, 'FileAlreadyExists')) return 'kept';
    throw error;
  }
}

async function tryRead(client: OssClient, key: string, signal: AbortSignal): Promise<void> {
  const head = await headObject(client, key, signal);
  if (head === null) throw badAnswer();
  const { stream } = await getRange(client, { key, etag: head.etag, start: 0, end: 1 }, signal);
  let sizeBytes = 0;
  for await (const piece of stream) sizeBytes += piece.length;
  if (sizeBytes !== 1) throw badAnswer();
}

async function lifecycleOf(client: OssClient): Promise<Lifecycle> {
  try {
    const rules = await lifecycleRules(client, AbortSignal.timeout(ANSWER_MS));
    const removing = rules.filter(({ expiresAfterDays }) => expiresAfterDays !== null);
    const ours = removing.filter((rule) => touches(rule, STAGING_PREFIX) || touches(rule, INBOX_PREFIX));
    return {
      clearsInbox: removing.some(({ prefix }) => INBOX_PREFIX.startsWith(prefix)),
      soonestDays: ours.length === 0 ? null : Math.min(...ours.map((rule) => rule.expiresAfterDays ?? 0)),
      abortsUploads: rules.some((rule) => rule.abortsUploads && INBOX_PREFIX.startsWith(rule.prefix)),
    };
  } catch {
    // Keys that do everything else well need not be allowed to read the rules.
    return 'unknown';
  }
}

function touches({ prefix }: LifecycleRule, area: string): boolean {
  return area.startsWith(prefix) || prefix.startsWith(area);
}

function badAnswer(): Fault {
  return new Fault('bug', 'staging.bad_answer', 'the store gives other bytes than were put');
}
