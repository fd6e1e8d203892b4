/** What every operation of the protocol is given, and what it answers. */
import type { Signature } from './authenticate.ts';
import type { ObjectEvent } from './events.ts';
import type { EtagKind, OpenBody } from './receive.ts';
import type { S3Request } from './request.ts';
import type { Store } from './store.ts';

export interface Context {
  readonly store: Store;
  readonly region: string;
  /** Of an object that is put whole under this key. */
  readonly etagKind: (key: string) => EtagKind;
  /** Hands an event on, after the change that it tells of is on disk. Never delays the answer. */
  readonly publish: (call: Call, event: ObjectEvent) => void;
}

/** One authenticated request. */
export interface Call {
  readonly request: S3Request;
  readonly signature: Signature;
  readonly openBody: OpenBody;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A document. */
  readonly xml?: string;
  readonly content?: Content;
}

/** Bytes from disk. A chunk may be overwritten as soon as the next one is asked for. */
export interface Content {
  readonly chunks: AsyncIterable<Buffer>;
  /** Called once, whether the chunks were read or not. */
  release(): void;
}

export type Operation = (context: Context, call: Call) => Promise<Reply> | Reply;

/** The bucket and key of an operation on an object; the router has made sure that both are there. */
export function objectOf({ request }: Call): { readonly bucket: string; readonly key: string } {
  return { bucket: bucketOf(request), key: request.key ?? missing('key') };
}

export function bucketOf(request: S3Request): string {
  return request.bucket ?? missing('bucket');
}

function missing(what: string): never {
  throw new Error(`an operation was routed to a request without a ${what}`);
}
