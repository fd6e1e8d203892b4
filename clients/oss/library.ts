/** What makes, signs and reads the requests of the client, and what it needs to carry them. */
import type { OssCredentials } from './credentials.ts';
import type { Delivery } from './transport.ts';

export interface OssPlace {
  /** `https://oss-cn-hangzhou.aliyuncs.com`, without the bucket. */
  readonly endpoint: string;
  /** `cn-hangzhou`: part of what is signed. */
  readonly region: string;
  readonly bucket: string;
  /** `host/bucket/key` instead of `bucket.host/key`. OSS itself refuses it; stores at a bare address may need it. */
  readonly forcePathStyle?: boolean;
}

export interface LibraryRequest {
  readonly method: string;
  readonly bucket: string;
  readonly object: string | undefined;
  readonly subres: Readonly<Record<string, string>> | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly content?: string;
  readonly xmlResponse: boolean;
  readonly successStatuses: readonly number[];
}

export interface Carrier {
  request(url: string, signed: { readonly headers: Readonly<Record<string, string | number>> }): Promise<Delivery>;
}

/**
 * For one request. Rejects with what the carrier threw, or, for another status than those wanted and for XML that is none, with an
 * Error that may have the `code` and the `requestId` of OSS.
 */
export interface Library {
  request(request: LibraryRequest): Promise<{ readonly data: unknown }>;
}

export type LibraryWith = (place: OssPlace, keys: OssCredentials, carrier: Carrier) => Promise<Library>;
