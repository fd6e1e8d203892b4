/** Whole objects: head, put, get, delete, list. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import type { OssClient } from './client.ts';
import { OssError } from './faults.ts';
import type { Completed } from './multipart.ts';
import { crc64Of, crc64OfHeader } from './sums.ts';
import { bodyOf } from './transport.ts';
import { many, read } from './xml.ts';

export interface ObjectHead {
  /** Without quotes, as OSS has it: upper-case, `-N` behind the ones of multipart uploads. */
  readonly etag: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  readonly contentType: string;
  readonly crc64: string | null;
  /** Names in lower-case, without `x-oss-meta-`. */
  readonly meta: Readonly<Record<string, string>>;
}

export interface ListedObject {
  readonly key: string;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
}

export async function headObject(client: OssClient, key: string, signal: AbortSignal): Promise<ObjectHead | null> {
  try {
    const { headers } = await client.call({ method: 'HEAD', key, statuses: [200] }, signal);
    return headOf(headers);
  } catch (error) {
    // A HEAD has no body to say which: a missing bucket looks the same.
    if (error instanceof OssError && error.status === 404 && error.code !== 'NoSuchBucket') return null;
    throw error;
  }
}

/**
 * A small object, whole. Throws `OssError` `FileAlreadyExists` when `x-oss-forbid-overwrite` is among the headers, which may also
 * hold `x-oss-callback` and `x-oss-callback-var`.
 */
export async function putObject(
  client: OssClient,
  {
    key,
    content,
    headers,
  }: { readonly key: string; readonly content: string; readonly headers: Readonly<Record<string, string>> },
  signal: AbortSignal,
): Promise<Completed> {
  const isCalledBack = headers['x-oss-callback'] !== undefined;
  const answer = await client.call(
    {
      method: 'PUT',
      key,
      body: content,
      headers,
      statuses: isCalledBack ? [200, 203] : [200],
      ...(isCalledBack ? { answer: 'text' } : {}),
    },
    signal,
  );
  return {
    status: answer.status,
    crc64: crc64OfHeader(answer.headers['x-oss-hash-crc64ecma']),
    callbackAnswer: answer.text,
  };
}

/** Bytes at hand, whatever stands there already. Throws Fault `transient` `oss.part_damaged` when OSS holds others. */
export async function putBytes(
  client: OssClient,
  {
    key,
    bytes,
    headers,
  }: { readonly key: string; readonly bytes: Uint8Array; readonly headers: Readonly<Record<string, string>> },
  signal: AbortSignal,
): Promise<void> {
  const request = { method: 'PUT', key, body: bodyOf(bytes), headers, statuses: [200] } as const;
  const answer = await client.call(request, signal);
  if (crc64OfHeader(answer.headers['x-oss-hash-crc64ecma']) === (await crc64Of(bytes))) return;
  throw new Fault('transient', 'oss.part_damaged', 'OSS holds other bytes than we sent');
}

/** Fine when it is not there. */
export async function deleteObject(client: OssClient, key: string, signal: AbortSignal): Promise<void> {
  await client.call({ method: 'DELETE', key, statuses: [204, 200] }, signal);
}

export interface RangeAnswer {
  readonly etag: string;
  /** Null: OSS ignored the range and sends all of it. */
  readonly range: { readonly start: number; readonly end: number; readonly sizeBytes: number } | null;
  readonly stream: Readable;
}

/** Bytes [start, end) of the content with this ETag. Throws `OssError` with status 412, 416 or 404. */
export async function getRange(
  client: OssClient,
  {
    key,
    etag,
    start,
    end,
  }: { readonly key: string; readonly etag: string; readonly start: number; readonly end: number },
  signal: AbortSignal,
): Promise<RangeAnswer> {
  const { headers, stream } = await client.call(
    {
      method: 'GET',
      key,
      headers: {
        range: `bytes=${start}-${end - 1}`,
        'if-match': `"${etag}"`,
        // Else OSS answers a range that is not wholly inside the object with the whole of it.
        'x-oss-range-behavior': 'standard',
      },
      statuses: [200, 206],
      answer: 'stream',
    },
    signal,
  );
  if (stream === null) throw new Fault('bug', 'oss.no_body', 'OSS answered a read without a body');
  const [, first, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '') ?? [];
  const range = size === undefined ? null : { start: Number(first), end: Number(last) + 1, sizeBytes: Number(size) };
  return { etag: unquoted(headers.etag ?? ''), range, stream };
}

/** One page, in byte order, strictly after `after`. */
export async function listObjects(
  client: OssClient,
  { prefix, after, limit }: { readonly prefix: string; readonly after?: string; readonly limit: number },
  signal: AbortSignal,
): Promise<{ readonly objects: readonly ListedObject[]; readonly isTruncated: boolean }> {
  const { xml } = await client.call(
    {
      method: 'GET',
      query: {
        'list-type': '2',
        prefix,
        'max-keys': String(Math.min(limit, 1000)),
        // Keys may hold characters that XML cannot.
        'encoding-type': 'url',
        ...(after === undefined ? {} : { 'start-after': after }),
      },
      statuses: [200],
      answer: 'xml',
    },
    signal,
  );
  const page = read(ObjectPage, xml);
  const isEncoded = page.EncodingType === 'url';
  const objects = page.Contents.map(({ Key, ETag, Size, LastModified }) => ({
    key: isEncoded ? decodeURIComponent(Key.replaceAll('+', ' ')) : Key,
    etag: unquoted(ETag),
    sizeBytes: Size,
    modifiedAtMs: LastModified,
  }));
  return { objects, isTruncated: page.IsTruncated };
}

const ObjectPage = z.object({
  IsTruncated: z.stringbool(),
  EncodingType: z.string().optional(),
  Contents: many(
    z.object({
      Key: z.string(),
      ETag: z.string().min(1),
      Size: z.coerce.number().int().min(0),
      LastModified: z.string().transform((text) => Date.parse(text)),
    }),
  ),
});

function headOf(headers: IncomingHttpHeaders): ObjectHead {
  const { etag, 'content-length': length, 'last-modified': modified } = headers;
  if (etag === undefined || length === undefined || modified === undefined) {
    throw new Fault('bug', 'oss.bad_answer', 'OSS answered an object without ETag, size or time');
  }
  const meta = Object.entries(headers)
    .filter(([name]) => name.startsWith(META))
    .map(([name, value]) => [name.slice(META.length), String(value)] as const);
  return {
    etag: unquoted(etag),
    sizeBytes: Number(length),
    modifiedAtMs: Date.parse(modified),
    contentType: headers['content-type'] ?? '',
    crc64: crc64OfHeader(headers['x-oss-hash-crc64ecma']),
    meta: Object.fromEntries(meta),
  };
}

const META = 'x-oss-meta-';

function unquoted(etag: string): string {
  return etag.replaceAll('"', '');
}
