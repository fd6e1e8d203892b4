/** The routes that an uploader needs: the owner's, or those of a link, which answer alike below another path. */
import * as z from 'zod';
import type { Digests } from '#core/wire/digest.ts';
import { AsksAnswer, CreateUploadAnswer, SignAnswer, UploadAnswer } from '#core/wire/upload.ts';
import type { ApiCall } from './http.ts';
import type { UploadRecord } from './record.ts';

/** A file to be announced. */
export interface NewUpload
  extends Pick<UploadRecord, 'name' | 'folder' | 'sizeBytes' | 'contentType' | 'destinations'> {
  readonly digests?: Digests;
}

export interface DigestAnswer {
  readonly id: string;
  readonly digest: string;
}

/** Every call rejects with an `UploadError`, or with the signal's reason once that is aborted. */
export interface UploadApi {
  /** The same `idempotencyKey` brings the first answer again: a lost answer does not double the file. */
  createUpload(file: NewUpload, idempotencyKey: string, signal?: AbortSignal): Promise<CreateUploadAnswer>;
  readUpload(id: string, signal?: AbortSignal): Promise<UploadAnswer>;
  /** `numbers`: 1 to 64 of them. */
  signChunks(id: string, numbers: readonly number[], signal?: AbortSignal): Promise<SignAnswer>;
  answerAsks(id: string, answers: readonly DigestAnswer[], signal?: AbortSignal): Promise<z.infer<typeof AsksAnswer>>;
  removeUpload(id: string): Promise<void>;
}

/** `base` is the path of the collection, as `/api/v1/uploads`; `bodyOf` tells a file in the words of its create. */
export function uploadApi(call: ApiCall, base: string, bodyOf: (file: NewUpload) => object): UploadApi {
  const upload = (id: string) => `${base}/${encodeURIComponent(id)}`;
  return {
    createUpload: (file, idempotencyKey, signal) =>
      call('POST', base, CreateUploadAnswer, {
        body: bodyOf(file),
        signal,
        headers: { 'idempotency-key': idempotencyKey },
      }),
    readUpload: (id, signal) => call('GET', upload(id), UploadAnswer, { signal }),
    signChunks: (id, numbers, signal) => call('POST', `${upload(id)}/sign`, SignAnswer, { body: { numbers }, signal }),
    answerAsks: (id, answers, signal) =>
      call('POST', `${upload(id)}/answers`, AsksAnswer, { body: { answers }, signal }),
    async removeUpload(id) {
      await call('DELETE', upload(id), z.unknown(), {});
    },
  };
}
