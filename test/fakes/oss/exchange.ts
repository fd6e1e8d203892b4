/** One request to the fake OSS, and the answer to it. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Form } from './form.ts';
import type { SignedRequest } from './signature.ts';
import type { Store } from './store.ts';

export interface Exchange extends SignedRequest {
  /** Of a form, whose signature is in its fields. */
  readonly form: Form | null;
  readonly body: Buffer;
  readonly store: Store;
  readonly settings: FakeSettings;
}

export interface FakeSettings {
  /** The most entries of one answer to a listing. */
  readonly pageMax: number;
  /** How long a callback may take. */
  readonly callbackTimeoutMs: number;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

export type Operation =
  | 'PutObject'
  | 'GetObject'
  | 'HeadObject'
  | 'DeleteObject'
  | 'CopyObject'
  | 'ListObjects'
  | 'InitiateMultipartUpload'
  | 'ListMultipartUploads'
  | 'UploadPart'
  | 'UploadPartCopy'
  | 'ListParts'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'PostObject'
  | 'GetBucketCors'
  | 'PutBucketCors'
  | 'GetBucketLifecycle';

export function metaOf(headers: IncomingHttpHeaders): Record<string, string> {
  const entries = Object.entries(headers).filter(([name]) => name.startsWith('x-oss-meta-'));
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

export function contentTypeOf(headers: IncomingHttpHeaders): string {
  return headers['content-type'] ?? 'application/octet-stream';
}

export function overwriteOf(headers: IncomingHttpHeaders): 'allowed' | 'forbidden' {
  return headers['x-oss-forbid-overwrite'] === 'true' ? 'forbidden' : 'allowed';
}

export function xmlAnswer(body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 200, headers: { 'content-type': 'application/xml', ...headers }, body };
}
