/** Asks a store, once and before it is used, whether it can be staging, and what it does with conditions. */
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type S3Client,
  type ServiceInputTypes,
  type ServiceOutputTypes,
} from '@aws-sdk/client-s3';
import { ulid } from 'ulid';
import type { BrowserAccess } from '#clients/browser-access.ts';
import { s3Endpoint } from '#clients/s3/client.ts';
import { Fault } from '#core/fault.ts';
import { UploadId } from '#core/wire/ids.ts';
import { chunkKey, INBOX_PREFIX, STAGING_PREFIX } from '#core/wire/keys.ts';
import { openToBrowsers } from './cors.ts';
import { chunkPresigner, type PresignConfig } from './presign.ts';
import { codeOf, refusalFault, statusOf, unreachableFault } from './refusals.ts';

/** What a store does with the condition of a write. `ignored`: it writes all the same. `refused`: it writes nothing that has one. */
export type Condition = 'kept' | 'ignored' | 'refused';

export interface BucketSurvey {
  /** `If-None-Match: *` on a put. */
  readonly conditionalPut: Condition;
  /** `If-Match` on a removal. */
  readonly conditionalRemoval: Condition;
  readonly cors: BrowserAccess;
}

export interface SurveyParts {
  readonly client: S3Client;
  readonly config: PresignConfig;
  /** Of the page that will put chunks: `http://localhost:8000`. */
  readonly pageOrigin: string;
}

/** A store takes a signature that is 15 minutes old or early; the rest is for clocks that drift apart later. */
const SKEW_MAX_MS = 10 * 60_000;
/** For each request: a store that takes longer to answer nothing at all is no use. */
const ANSWER_MS = 15_000;
/** What no object has. */
const NO_ETAG = '"00000000000000000000000000000000"';

/**
 * About fifteen requests. Puts one object of one byte where chunks are put, of an upload that nobody announced, and removes it.
 * Faults: transient `staging.unavailable`; auth `staging.clock_skew`, `staging.unknown_key`, `staging.bad_signature`,
 * `staging.bad_session_token`, `staging.other_region`, `staging.no_bucket`, `staging.forbidden`; bug `staging.bad_answer`. Their
 * messages hold no key and no URL with a query.
 */
export async function surveyBucket({ client, config, pageOrigin }: SurveyParts): Promise<BucketSurvey> {
  const endpoint = s3Endpoint(config);
  await compareClocks(endpoint, config.clock.now);
  for (const Prefix of [STAGING_PREFIX, INBOX_PREFIX]) {
    const list = new ListObjectsV2Command({ Bucket: config.bucket, Prefix, MaxKeys: 1 });
    await within(client, list).catch((error: unknown) => {
      throw refusalFault(error, 'list');
    });
  }
  const uploadId = UploadId.parse(`upl_${ulid()}`);
  const key = chunkKey(uploadId, 1);
  try {
    const conditionalPut = await tryPuts(config, uploadId);
    await tryRead(client, config.bucket, key);
    const conditionalRemoval = await tryRemovals(client, config.bucket, key);
    return { conditionalPut, conditionalRemoval, cors: await openToBrowsers({ client, config, pageOrigin }) };
  } finally {
    // What the survey itself has met is what is told.
    await within(client, new DeleteObjectCommand({ Bucket: config.bucket, Key: key })).catch(() => undefined);
  }
}

/** Whatever is answered to a stranger has the store's time on it. The SDK would quietly correct itself; tickets cannot. */
async function compareClocks(endpoint: string, now: () => number): Promise<void> {
  const answer = await fetch(endpoint, { redirect: 'manual', signal: AbortSignal.timeout(ANSWER_MS) }).catch(
    (error: unknown) => {
      throw unreachableFault(endpoint, error);
    },
  );
  await answer.body?.cancel();
  const theirs = Date.parse(answer.headers.get('date') ?? '');
  const skewMs = theirs - now();
  if (!(Math.abs(skewMs) > SKEW_MAX_MS)) return;
  const minutes = Math.round(Math.abs(skewMs) / 60_000);
  const side = skewMs > 0 ? 'behind' : 'ahead of';
  const reason = `the clock of this machine is ${minutes} minutes ${side} the store's: it would refuse what we sign`;
  throw new Fault('auth', 'staging.clock_skew', reason);
}

/** Puts as a browser does, by a ticket; then once more by another one. */
async function tryPuts(config: PresignConfig, uploadId: UploadId): Promise<Condition> {
  // From here the store is reached at its endpoint, whatever browsers need.
  const { publicUrl: _, ...direct } = config;
  const put = async (condition: 'if-none-match' | 'none', byte: number) => {
    const ticket = { uploadId, number: 1, sizeBytes: 1, ttlSeconds: 60 };
    const { url, headers } = await chunkPresigner({ ...direct, condition })(ticket);
    const init = { method: 'PUT', headers: { ...headers }, body: Uint8Array.of(byte) };
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_MS) }).catch((error: unknown) => {
      throw unreachableFault(s3Endpoint(config), error);
    });
    const text = (await answer.text()).slice(0, 2_000);
    return { status: answer.status, name: codeOf(text) ?? `HTTP ${answer.status}` };
  };
  const isDone = ({ status }: { readonly status: number }) => status >= 200 && status < 300;
  const first = await put('if-none-match', 1);
  if (!isDone(first)) {
    const bare = first.status === 501 || first.status === 400 ? await put('none', 1) : first;
    if (isDone(bare)) return 'refused';
    throw refusalFault(bare, 'put');
  }
  const second = await put('if-none-match', 2);
  if (second.status === 412 || second.status === 409) return 'kept';
  if (isDone(second)) return 'ignored';
  throw refusalFault(second, 'put');
}

async function tryRead(client: S3Client, bucket: string, key: string): Promise<void> {
  const { Body: body } = await within(client, new GetObjectCommand({ Bucket: bucket, Key: key })).catch(
    (error: unknown) => {
      throw refusalFault(error, 'read');
    },
  );
  const bytes = await body?.transformToByteArray();
  if (bytes?.byteLength !== 1)
    throw new Fault('bug', 'staging.bad_answer', 'the store gives other bytes than were put');
}

async function tryRemovals(client: S3Client, bucket: string, key: string): Promise<Condition> {
  try {
    await within(client, new DeleteObjectCommand({ Bucket: bucket, Key: key, IfMatch: NO_ETAG }));
    return 'ignored';
  } catch (error) {
    const status = statusOf(error);
    if (status === 412) return 'kept';
    if (status === 501 || status === 400) return 'refused';
    throw refusalFault(error, 'remove');
  }
}

function within<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
  client: S3Client,
  command: Parameters<typeof client.send<Input, Output>>[0],
): Promise<Output> {
  return client.send(command, { abortSignal: AbortSignal.timeout(ANSWER_MS) });
}
