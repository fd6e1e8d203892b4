/** The bucket as clients meet it that were not made for us: multipart uploads and forms, put together under our eyes. */
import type { PresignedPut } from './staging.ts';

/** One multipart upload of the store. `storeId` is the store's own name for it and never leaves this process. */
export interface StoreUpload {
  readonly key: string;
  readonly storeId: string;
}

/** `tag` names the part's content as the store answered its PUT (an ETag, without quotes). */
export interface StoredPart {
  readonly number: number;
  readonly tag: string;
  readonly sizeBytes: number;
}

export interface PartPut extends StoreUpload {
  /** 1 to 10,000. */
  readonly number: number;
  readonly ttlSeconds: number;
  /** Host name under which this client reaches us; an adapter with a public address of its own ignores it. */
  readonly viewerHost?: string;
}

export interface FormPut {
  readonly key: string;
  readonly contentType: string;
  /** Both inclusive. */
  readonly sizeBytesMin: number;
  readonly sizeBytesMax: number;
  readonly ttlSeconds: number;
  readonly viewerHost?: string;
}

export interface PresignedForm {
  readonly url: string;
  /** To be sent as they are, before the file. `key` is among them, to the letter. */
  readonly fields: Readonly<Record<string, string>>;
  readonly expiresAtMs: number;
}

/**
 * Laws:
 * - `presignPart` takes a plain PUT without any header, any number of times until it expires; the last put of a number is the
 *   part. Another key, number, upload or method is refused.
 * - `listParts` is strongly consistent, ascending, strictly after `after`, complete up to `limit`; null: no such upload.
 * - `complete` makes exactly the parts given into the object, in their order, or changes nothing. `gone` when there is no such
 *   upload: it was completed or aborted before. Fault `rejected` `multipart.part_changed` when a part is not there or has another
 *   tag, `multipart.part_too_small` when one that is not the last is below the store's minimum.
 * - `abort` repeats well, and without a `storeId` ends every unfinished upload of the key.
 * - `presignForm` takes a form with exactly these fields and a file within the sizes; anything else is refused and leaves nothing.
 *   A store without forms answers a plain PUT of the file, which takes exactly these headers, and of a size that was told no other.
 * - `sameTag` says whether equal bytes always get equal tags in this upload.
 */
export interface MultipartIntake {
  create(file: { readonly key: string; readonly contentType: string }): Promise<{
    readonly storeId: string;
    readonly sameTag: boolean;
  }>;
  presignPart(part: PartPut): Promise<{ readonly url: string; readonly expiresAtMs: number }>;
  listParts(
    upload: StoreUpload,
    page: { readonly after: number; readonly limit: number },
  ): Promise<readonly StoredPart[] | null>;
  complete(upload: StoreUpload, parts: readonly StoredPart[]): Promise<'done' | 'gone'>;
  abort(upload: { readonly key: string; readonly storeId: string | null }): Promise<void>;
  presignForm(form: FormPut): Promise<PresignedForm | PresignedPut>;
}
