/** Multipart uploads and forms on a bucket of OSS, for clients that were not made for us. */
import type { OssClient } from '#clients/oss/client.ts';
import { isOssError, ossFault } from '#clients/oss/faults.ts';
import { listParts, listUploads } from '#clients/oss/listing.ts';
import { abortUpload, beginUpload, completeUpload } from '#clients/oss/multipart.ts';
import { Fault } from '#core/fault.ts';
import type { MultipartIntake } from '#core/ports/multipart.ts';
import { type OssPresignConfig, presigner, presignForm } from './presign.ts';
import { AREA, PLACE, short } from './staging.ts';

/** Faults beside the port's own: those of `ossStagingSource`. `client` is of the same bucket as `config`. */
export function ossMultipartIntake(client: OssClient, config: OssPresignConfig): MultipartIntake {
  const sign = presigner(config);
  return {
    create: async ({ key, contentType }) => {
      const headers = { 'content-type': contentType };
      const storeId = await short((signal) => beginUpload(client, { key, headers, order: 'any' }, signal));
      // OSS documents a part's ETag as the MD5 of its bytes.
      return { storeId, sameTag: true };
    },
    presignPart: ({ key, storeId: uploadId, number, ttlSeconds }) =>
      sign({ method: 'PUT', key, headers: {}, query: { partNumber: String(number), uploadId }, ttlSeconds }),
    listParts: async ({ key, storeId: uploadId }, { after, limit }) => {
      const range = { from: after + 1, to: PARTS_MAX };
      const parts = await short((signal) => noneIfGone(listParts(client, { key, uploadId }, range, signal, limit)));
      return parts?.map(({ number, md5, sizeBytes }) => ({ number, tag: tagOf(md5), sizeBytes })) ?? null;
    },
    complete: ({ key, storeId: uploadId }, parts) =>
      short(async (signal) => {
        const named = parts.map(({ number, tag }) => ({ number, md5: tag }));
        try {
          await completeUpload(client, { key, uploadId, parts: named, headers: {} }, signal);
          return 'done';
        } catch (error) {
          if (isOssError(error, 'NoSuchUpload')) return 'gone';
          throw completionFault(error);
        }
      }),
    abort: ({ key, storeId }) =>
      short(async (signal) => {
        const uploads = storeId === null ? await listUploads(client, key, signal) : [{ uploadId: storeId }];
        for (const { uploadId } of uploads) await abortUpload(client, { key, uploadId }, signal);
      }),
    presignForm: (form) => presignForm(config, form),
  };
}

/** As OSS itself writes an ETag: clients repeat what they were answered. */
export function tagOf(md5: string): string {
  return md5.toUpperCase();
}

const PARTS_MAX = 10_000;

async function noneIfGone<T>(listing: Promise<T>): Promise<T | null> {
  try {
    return await listing;
  } catch (error) {
    if (isOssError(error, 'NoSuchUpload')) return null;
    throw error;
  }
}

function completionFault(error: unknown): Fault {
  if (isOssError(error, 'InvalidPart', 'InvalidPartOrder')) {
    return new Fault('rejected', 'multipart.part_changed', 'a part is not what it was', { cause: error });
  }
  if (isOssError(error, 'EntityTooSmall')) {
    return new Fault('rejected', 'multipart.part_too_small', 'a part is smaller than the store takes', {
      cause: error,
    });
  }
  return ossFault(error, AREA, PLACE);
}
