/** Multipart uploads and forms on a bucket that speaks S3, for clients that were not made for us. */
import { createHmac } from 'node:crypto';
import type { ListMultipartUploadsCommandOutput, S3Client } from '@aws-sdk/client-s3';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
} from '@aws-sdk/client-s3';
import { AwsV4Signer } from 'aws4fetch';
import { refusalOf } from '#clients/s3/refusal.ts';
import { Fault } from '#core/fault.ts';
import type {
  FormPut,
  MultipartIntake,
  PartPut,
  PresignedForm,
  StoredPart,
  StoreUpload,
} from '#core/ports/multipart.ts';
import type { PresignedPut } from '#core/ports/staging.ts';
import { stagingFault } from './faults.ts';
import { bucketUrl, endMs, keysOf, objectUrl, type PresignConfig, presignedUrl } from './presign.ts';

/** Faults beside the port's own: those of `s3StagingSource`. `client` is of the same store as `config`. */
export function s3MultipartIntake(client: S3Client, config: PresignConfig): MultipartIntake {
  const { bucket } = config;
  return {
    async create({ key, contentType }) {
      const command = new CreateMultipartUploadCommand({ Bucket: bucket, Key: key, ContentType: contentType });
      const answer = await client.send(command).catch(raise);
      if (answer.UploadId === undefined) throw badAnswer('a new upload without an id');
      // With keys of KMS or of the customer, an ETag is no digest of the bytes.
      const isSealed = answer.ServerSideEncryption?.startsWith('aws:kms') || answer.SSECustomerAlgorithm !== undefined;
      return { storeId: answer.UploadId, sameTag: !isSealed };
    },
    presignPart: (part) => presignPart(config, part),
    presignForm: (form) => presignForm(config, form),
    listParts: (upload, page) => listParts(client, bucket, upload, page),
    complete: (upload, parts) => complete(client, bucket, upload, parts),
    abort: ({ key, storeId }) =>
      storeId === null ? abortAll(client, bucket, key) : abortOne(client, bucket, { key, storeId }),
  };
}

/** For a store without forms: the file itself, of the size that was told, or where none was, of any that the store takes. */
export async function presignWhole(config: PresignConfig, file: FormPut): Promise<PresignedPut> {
  const { key, contentType, sizeBytesMin, sizeBytesMax, ttlSeconds, viewerHost } = file;
  const headers = { 'content-type': contentType };
  const length = sizeBytesMin === sizeBytesMax ? { 'content-length': String(sizeBytesMax) } : {};
  const request = {
    method: 'PUT',
    url: objectUrl(config, key, viewerHost),
    headers: { ...headers, ...length },
  } as const;
  return { ...(await presignedUrl(config, { ...request, ttlSeconds })), headers };
}

/** The most that S3 answers at once. */
const PAGE_MAX = 1_000;
/** Unfinished uploads of one key: there is never more than one of ours. */
const UPLOADS_MAX = 100;

async function presignPart(
  config: PresignConfig,
  part: PartPut,
): Promise<{ readonly url: string; readonly expiresAtMs: number }> {
  const { region, clock } = config;
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = await keysOf(config);
  const url = objectUrl(config, part.key, part.viewerHost);
  url.searchParams.set('X-Amz-Expires', String(part.ttlSeconds));
  url.searchParams.set('partNumber', String(part.number));
  url.searchParams.set('uploadId', part.storeId);
  const signedAtMs = Math.floor(clock.now() / 1000) * 1000;
  const signer = new AwsV4Signer({
    method: 'PUT',
    url: url.href,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    service: 's3',
    region,
    datetime: amzDate(signedAtMs),
    signQuery: true,
  });
  const expiresAtMs = endMs(signedAtMs + part.ttlSeconds * 1000, expiration);
  return { url: (await signer.sign()).url.href, expiresAtMs };
}

/** S3's own way for HTML forms: a policy that names every field, signed as a whole. */
async function presignForm(config: PresignConfig, form: FormPut): Promise<PresignedForm> {
  const { bucket, region, clock } = config;
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = await keysOf(config);
  const signedAtMs = Math.floor(clock.now() / 1000) * 1000;
  const expiresAtMs = endMs(signedAtMs + form.ttlSeconds * 1000, expiration);
  const at = amzDate(signedAtMs);
  const date = at.slice(0, 8);
  const named = {
    key: form.key,
    'Content-Type': form.contentType,
    success_action_status: '201',
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-credential': `${accessKeyId}/${date}/${region}/s3/aws4_request`,
    'x-amz-date': at,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
  };
  const document = {
    expiration: new Date(expiresAtMs).toISOString(),
    conditions: [
      { bucket },
      ...Object.entries(named).map(([name, value]) => ({ [name]: value })),
      ['content-length-range', form.sizeBytesMin, form.sizeBytesMax],
    ],
  };
  const policy = Buffer.from(JSON.stringify(document)).toString('base64');
  const key = ['s3', 'aws4_request'].reduce(hmac, hmac(hmac(`AWS4${secretAccessKey}`, date), region));
  const fields = { ...named, policy, 'x-amz-signature': hmac(key, policy).toString('hex') };
  return { url: bucketUrl(config, form.viewerHost).href, fields, expiresAtMs };
}

async function listParts(
  client: S3Client,
  bucket: string,
  { key, storeId }: StoreUpload,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<readonly StoredPart[] | null> {
  const parts: StoredPart[] = [];
  while (parts.length < limit) {
    const answer = await client
      .send(
        new ListPartsCommand({
          Bucket: bucket,
          Key: key,
          UploadId: storeId,
          PartNumberMarker: String(parts.at(-1)?.number ?? after),
          MaxParts: Math.min(limit - parts.length, PAGE_MAX),
        }),
      )
      .catch(noneIfGone);
    if (answer === null) return null;
    const page = (answer.Parts ?? []).map(({ PartNumber: number, ETag: etag, Size: sizeBytes }) => {
      if (number === undefined || etag === undefined || sizeBytes === undefined) throw badAnswer('half a part');
      return { number, tag: unquoted(etag), sizeBytes };
    });
    parts.push(...page);
    if (answer.IsTruncated !== true || page.length === 0) break;
  }
  return parts;
}

async function complete(
  client: S3Client,
  bucket: string,
  { key, storeId }: StoreUpload,
  parts: readonly StoredPart[],
): Promise<'done' | 'gone'> {
  const command = new CompleteMultipartUploadCommand({
    Bucket: bucket,
    Key: key,
    UploadId: storeId,
    MultipartUpload: { Parts: parts.map(({ number, tag }) => ({ PartNumber: number, ETag: `"${tag}"` })) },
  });
  try {
    // The SDK reads the error document that may come with HTTP 200.
    const answer = await client.send(command);
    if (answer.ETag === undefined) throw new Fault('transient', 'staging.unavailable', 'the answer was cut short');
    return 'done';
  } catch (error) {
    const { name, cause } = refusalOf(error);
    if (name === 'NoSuchUpload') return 'gone';
    if (name === 'InvalidPart' || name === 'InvalidPartOrder') {
      throw new Fault('rejected', 'multipart.part_changed', 'a part is not what it was', { cause });
    }
    if (name === 'EntityTooSmall') {
      throw new Fault('rejected', 'multipart.part_too_small', 'a part is smaller than the store takes', { cause });
    }
    throw stagingFault(error);
  }
}

async function abortOne(client: S3Client, bucket: string, { key, storeId }: StoreUpload): Promise<void> {
  const command = new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: storeId });
  await client.send(command).catch(noneIfGone);
}

async function abortAll(client: S3Client, bucket: string, key: string): Promise<void> {
  const command = new ListMultipartUploadsCommand({
    Bucket: bucket,
    Prefix: key,
    MaxUploads: UPLOADS_MAX,
    // Keys may hold characters that XML cannot.
    EncodingType: 'url',
  });
  const answer: ListMultipartUploadsCommandOutput = await client.send(command).catch(raise);
  for (const upload of answer.Uploads ?? []) {
    const isEncoded = answer.EncodingType === 'url';
    const found = isEncoded ? decodeURIComponent((upload.Key ?? '').replaceAll('+', ' ')) : upload.Key;
    if (found === key && upload.UploadId) await abortOne(client, bucket, { key, storeId: upload.UploadId });
  }
}

function noneIfGone(error: unknown): null {
  if (refusalOf(error).name === 'NoSuchUpload') return null;
  throw stagingFault(error);
}

function amzDate(atMs: number): string {
  return new Date(atMs).toISOString().replace(/[:-]|\.\d{3}/g, '');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function unquoted(etag: string): string {
  return etag.replace(/^"|"$/g, '');
}

function badAnswer(what: string): Fault {
  return new Fault('bug', 'staging.bad_answer', `the staging bucket gave ${what}`);
}

function raise(error: unknown): never {
  throw stagingFault(error);
}
