/** Files that stay in the bucket, each put and fetched by its key: no delivery, no chunks. */
import type { PresignedPut } from './staging.ts';

export interface FilePut {
  readonly key: string;
  readonly contentType: string;
  /** Null: any size that the store takes in one request. */
  readonly sizeBytes: number | null;
  readonly ttlSeconds: number;
  /** Host name under which this client reaches us; an adapter with a public address of its own ignores it. */
  readonly viewerHost?: string;
}

export interface FileGet {
  readonly key: string;
  /** Under which a browser saves it. */
  readonly fileName: string;
  readonly ttlSeconds: number;
  readonly viewerHost?: string;
}

export interface FileHead {
  /** An ETag, without quotes. */
  readonly version: string;
  readonly sizeBytes: number;
  readonly contentType: string;
  readonly modifiedAtMs: number;
}

/**
 * Laws:
 * - `presignPut` takes exactly this key, type and (if told) size, any number of times until it expires; the last put is the file.
 *   Its headers must be sent as they are.
 * - `presignGet` answers the whole file or a range of it, as an attachment of that name. It does not look whether it is there.
 * - `put` and `putPart` hold the bytes as they are given; a put of a part answers its tag (see `MultipartIntake`, which begins and
 *   completes). `head` is null where there is nothing; `remove` of what is not there is fine.
 */
export interface Files {
  presignPut(put: FilePut): Promise<PresignedPut>;
  presignGet(get: FileGet): Promise<{ readonly url: string; readonly expiresAtMs: number }>;
  put(file: { readonly key: string; readonly contentType: string }, bytes: Uint8Array): Promise<void>;
  putPart(
    part: { readonly key: string; readonly storeId: string; readonly number: number },
    bytes: Uint8Array,
  ): Promise<{ readonly tag: string }>;
  head(key: string): Promise<FileHead | null>;
  remove(key: string): Promise<void>;
}
