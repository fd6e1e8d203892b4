/** Multipart uploads, also sequential ones with a callback. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import type { OssClient } from './client.ts';
import { crc64OfHeader, md5OfEtag, type Sums, summing } from './sums.ts';
import type { OssBody } from './transport.ts';
import { read } from './xml.ts';

export interface UploadName {
  readonly key: string;
  readonly uploadId: string;
}

/** A part as OSS holds it. `crc64` is empty where a listing did not tell it. */
export interface OssPart extends Sums {
  readonly number: number;
  readonly sizeBytes: number;
}

export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
  readonly start: number;
  readonly end: number;
}

export interface Completed {
  readonly status: number;
  /** Null when the answer did not say. */
  readonly crc64: string | null;
  /** The callback's answer as it came; empty without a callback. `status` 203: OSS has the object, the callback failed. */
  readonly callbackAnswer: string;
}

/** `sequential`: parts go in order and once, and OSS can tell a callback the SHA-1 of the whole. Answers the upload's id. */
export async function beginUpload(
  client: OssClient,
  {
    key,
    headers,
    order,
  }: { readonly key: string; readonly headers: Readonly<Record<string, string>>; readonly order: 'any' | 'sequential' },
  signal: AbortSignal,
): Promise<string> {
  const { xml } = await client.call(
    {
      method: 'POST',
      key,
      query: order === 'sequential' ? { sequential: '', uploads: '' } : { uploads: '' },
      headers,
      statuses: [200],
      answer: 'xml',
    },
    signal,
  );
  return read(Begun, xml).UploadId;
}

/**
 * Streams one part, and compares the MD5 and the CRC-64 of what was read with what OSS says that it holds. Throws Fault
 * `transient` `oss.part_damaged` when they differ: the part must be put again.
 */
export async function putPart(
  client: OssClient,
  { key, uploadId, number, body }: UploadName & { readonly number: number; readonly body: OssBody },
  signal: AbortSignal,
): Promise<OssPart> {
  let tap: Awaited<ReturnType<typeof summing>> | undefined;
  const { headers } = await client.call(
    {
      method: 'PUT',
      key,
      query: { partNumber: String(number), uploadId },
      body: {
        sizeBytes: body.sizeBytes,
        open: async () => {
          tap = await summing(await body.open());
          return tap.stream;
        },
      },
      statuses: [200],
    },
    signal,
  );
  if (tap === undefined) throw new Fault('bug', 'oss.unread_part', 'OSS took a part that was not read');
  const sums = tap.sums();
  if (md5OfEtag(headers.etag ?? '') !== sums.md5 || crc64OfHeader(headers['x-oss-hash-crc64ecma']) !== sums.crc64) {
    throw new Fault(
      'transient',
      'oss.part_damaged',
      `OSS holds other bytes of part ${number} than we sent: it is sent again`,
    );
  }
  return { number, sizeBytes: body.sizeBytes, ...sums };
}

/** Lets OSS copy bytes [start, end) of an object with this ETag, in the same region, into a part. Throws `OssError` 412 for another. */
export async function copyPart(
  client: OssClient,
  { key, uploadId, number, source }: UploadName & { readonly number: number; readonly source: CopySource },
  signal: AbortSignal,
): Promise<{ readonly md5: string }> {
  const { xml } = await client.call(
    {
      method: 'PUT',
      key,
      query: { partNumber: String(number), uploadId },
      headers: {
        'x-oss-copy-source': `/${source.bucket}/${encodeURIComponent(source.key)}`,
        'x-oss-copy-source-range': `bytes=${source.start}-${source.end - 1}`,
        'x-oss-copy-source-if-match': `"${source.etag}"`,
      },
      statuses: [200],
      answer: 'xml',
    },
    signal,
  );
  return { md5: md5OfEtag(read(Copied, xml).ETag) };
}

/**
 * Throws `OssError`: `NoSuchUpload` also when an answer was lost and it is complete already; `FileAlreadyExists`; `InvalidPart`.
 * `headers` may hold `x-oss-forbid-overwrite`, `x-oss-callback` and `x-oss-callback-var`.
 */
export async function completeUpload(
  client: OssClient,
  {
    key,
    uploadId,
    parts,
    headers,
  }: UploadName & {
    readonly parts: readonly { readonly number: number; readonly md5: string }[];
    readonly headers: Readonly<Record<string, string>>;
  },
  signal: AbortSignal,
): Promise<Completed> {
  const list = parts.map(
    ({ number, md5 }) => `<Part><PartNumber>${number}</PartNumber><ETag>"${md5.toUpperCase()}"</ETag></Part>`,
  );
  const isCalledBack = headers['x-oss-callback'] !== undefined;
  const answer = await client.call(
    {
      method: 'POST',
      key,
      query: { uploadId },
      headers: { 'content-type': 'application/xml', ...headers },
      body: `<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`,
      statuses: isCalledBack ? [200, 203] : [200],
      answer: isCalledBack ? 'text' : 'xml',
    },
    signal,
  );
  return {
    status: answer.status,
    crc64: crc64OfHeader(answer.headers['x-oss-hash-crc64ecma']),
    callbackAnswer: answer.text,
  };
}

/** Fine when it is gone already. */
export async function abortUpload(
  client: OssClient,
  { key, uploadId }: UploadName,
  signal: AbortSignal,
): Promise<void> {
  await client.call({ method: 'DELETE', key, query: { uploadId }, statuses: [204, 404] }, signal);
}

const Begun = z.object({ UploadId: z.string().min(1).max(256) });

const Copied = z.object({ ETag: z.string().min(1) });
