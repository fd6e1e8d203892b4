/** Files that stay in a bucket that speaks S3. */
import {
  DeleteObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { statusOf } from '#clients/s3/refusal.ts';
import { Fault } from '#core/fault.ts';
import type { FileHead, Files } from '#core/ports/files.ts';
import { attachment } from '#core/wire/disposition.ts';
import { stagingFault } from './faults.ts';
import { objectUrl, type PresignConfig, presignedUrl } from './presign.ts';

/** Faults: those of `s3StagingSource`; bug `staging.ttl` outside 1 s to 7 days. `client` is of the same store as `config`. */
export function s3Files(client: S3Client, config: PresignConfig): Files {
  const { bucket } = config;
  return {
    presignPut: async ({ key, contentType, sizeBytes, ttlSeconds, viewerHost }) => {
      const headers = { 'content-type': contentType };
      const length = sizeBytes === null ? {} : { 'content-length': String(sizeBytes) };
      const url = objectUrl(config, key, viewerHost);
      const signed = await presignedUrl(config, { method: 'PUT', url, headers: { ...headers, ...length }, ttlSeconds });
      return { ...signed, headers };
    },
    presignGet: ({ key, fileName, ttlSeconds, viewerHost }) => {
      const url = objectUrl(config, key, viewerHost);
      url.searchParams.set('response-content-disposition', attachment(fileName));
      return presignedUrl(config, { method: 'GET', url, headers: {}, ttlSeconds });
    },
    put: async ({ key, contentType }, bytes) => {
      const object = { Bucket: bucket, Key: key, ContentType: contentType, Body: bytes };
      await client.send(new PutObjectCommand(object)).catch(raise);
    },
    putPart: async ({ key, storeId, number }, bytes) => {
      const part = { Bucket: bucket, Key: key, UploadId: storeId, PartNumber: number, Body: bytes };
      const { ETag: etag } = await client.send(new UploadPartCommand(part)).catch(raise);
      if (etag === undefined)
        throw new Fault('bug', 'staging.bad_answer', 'the staging bucket gave a part without an ETag');
      return { tag: unquoted(etag) };
    },
    head: (key) => head(client, bucket, key),
    remove: async (key) => {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })).catch((error: unknown) => {
        if (statusOf(error) !== 404 || (error instanceof Error && error.name === 'NoSuchBucket')) raise(error);
      });
    },
  };
}

async function head(client: S3Client, bucket: string, key: string): Promise<FileHead | null> {
  const answer = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key })).catch((error: unknown) => {
    if (statusOf(error) === 404) return null;
    throw stagingFault(error);
  });
  if (answer === null) return null;
  const { ETag: etag, ContentLength: sizeBytes, ContentType: contentType, LastModified: modified } = answer;
  if (etag === undefined || sizeBytes === undefined || modified === undefined) {
    throw new Fault('bug', 'staging.bad_answer', 'the staging bucket gave an object without ETag, size or time');
  }
  const version = unquoted(etag);
  return { version, sizeBytes, contentType: contentType ?? '', modifiedAtMs: modified.getTime() };
}

function unquoted(etag: string): string {
  return etag.replace(/^(?:W\/)?"|"$/g, '');
}

function raise(error: unknown): never {
  throw stagingFault(error);
}
