/** The bucket, cut by consumer: the browser's side hands out puts, the engine's side reads. */
import { Fault } from '#core/fault.ts';
import type { UploadId } from '#core/wire/ids.ts';

/** Bytes [start, end). */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** `version` names this content of this key (an ETag, without quotes); a new put of the key has another one. */
export interface StagedObject {
  readonly key: string;
  readonly version: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
}

export interface ChunkPut {
  readonly uploadId: UploadId;
  readonly number: number;
  readonly sizeBytes: number;
  readonly ttlSeconds: number;
  /** Host name under which this client reaches us; an adapter with a public address of its own ignores it. */
  readonly viewerHost?: string;
}

export interface PresignedPut {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly expiresAtMs: number;
}

/**
 * Laws: the URL takes exactly one successful PUT of exactly `sizeBytes` bytes at exactly `chunkKey(uploadId, number)`:
 * another length, key or method, a changed header, an expired or replayed URL are refused by the store, and a refused put
 * leaves what was there as it was. A client that finds the chunk already there is told so with 412.
 */
export interface StagingIntake {
  presignChunk(put: ChunkPut): Promise<PresignedPut>;
}

/**
 * Laws:
 * - `list` is strongly consistent, in byte order of keys, and starts strictly after `after`.
 * - `read` streams exactly the bytes of the range, or errors: a short body is an error, never a short stream. It is pinned to
 *   `version`: Fault `gone` `staging.changed` when the key has another content or none. A range outside the object is Fault
 *   `rejected` `staging.range`. Aborting the signal ends the stream with its reason. An empty range is an empty stream.
 * - `remove` with a version removes only that content; removing what is not there is fine. Answers false when it left a
 *   newer version in place or the store cannot remove conditionally.
 */
export interface StagingSource {
  list(query: { readonly prefix: string; readonly after?: string; readonly limit: number }): Promise<StagedObject[]>;
  stat(key: string): Promise<StagedObject | null>;
  read(
    object: { readonly key: string; readonly version: string },
    range: ByteRange,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>>;
  remove(key: string, version?: string): Promise<boolean>;
}

export interface RangeGet {
  readonly key: string;
  readonly version: string;
  /** Not empty. */
  readonly range: ByteRange;
  readonly ttlSeconds: number;
}

export interface PresignedGet {
  readonly url: string;
  /** To be sent as they are, all of them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly expiresAtMs: number;
}

/**
 * For somebody who reads in our place and has no keys. Laws: the GET with its headers answers exactly the bytes of the range of exactly
 * that content: 206 with a `content-range`. Where the key has another content or none it is 412 or 404, and where the range goes
 * past its end 416, or 206 with a `content-range` that says less. Another key, method or header, a changed or expired URL are refused by the
 * store. It does not look whether anything is there. An empty range is Fault `rejected` `staging.range`.
 */
export interface StagingLinks {
  presignRange(get: RangeGet): Promise<PresignedGet>;
}

/** The content that was asked for is not at its key any more. `cause` must hold no secret. */
export function changedFault(cause?: unknown): Fault {
  return new Fault('gone', 'staging.changed', 'the staged object has been replaced or removed', { cause });
}

export function rangeFault(cause?: unknown): Fault {
  return new Fault('rejected', 'staging.range', 'the range lies outside the staged object', { cause });
}

/** Throws `rangeFault` for what is a range of no object at all. */
export function requireRange({ start, end }: ByteRange): void {
  if (!(start >= 0 && end >= start && Number.isSafeInteger(start) && Number.isSafeInteger(end))) throw rangeFault();
}
