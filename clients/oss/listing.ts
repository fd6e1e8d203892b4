/** What unfinished uploads there are, and what parts they hold. */
import * as z from 'zod';
import type { OssClient } from './client.ts';
import type { OssPart, UploadName } from './multipart.ts';
import { crc64OfHeader, md5OfEtag } from './sums.ts';
import { many, read } from './xml.ts';

/** The parts `from` to `to`, both included, in order, `limit` of them at most. Throws `OssError` `NoSuchUpload`. */
export async function listParts(
  client: OssClient,
  { key, uploadId }: UploadName,
  { from, to }: { readonly from: number; readonly to: number },
  signal: AbortSignal,
  limit = to,
): Promise<readonly OssPart[]> {
  const parts: OssPart[] = [];
  let after = from - 1;
  for (;;) {
    const wanted = Math.min(to - after, limit - parts.length, 1000);
    const { xml } = await client.call(
      {
        method: 'GET',
        key,
        query: { uploadId, 'max-parts': String(wanted), 'part-number-marker': String(after) },
        statuses: [200],
        answer: 'xml',
      },
      signal,
    );
    const page = read(PartPage, xml);
    parts.push(...page.Part.map(partOf).filter(({ number }) => number <= to));
    // A marker that does not rise would ask for the same page for ever.
    const isOver = page.NextPartNumberMarker <= after || page.NextPartNumberMarker >= to || parts.length >= limit;
    if (!page.IsTruncated || isOver) return parts;
    after = page.NextPartNumberMarker;
  }
}

/** The unfinished uploads of exactly this key, up to a thousand. */
export async function listUploads(
  client: OssClient,
  key: string,
  signal: AbortSignal,
): Promise<readonly { readonly uploadId: string; readonly begunAtMs: number }[]> {
  const { xml } = await client.call(
    {
      method: 'GET',
      query: { uploads: '', prefix: key, 'max-uploads': '1000', 'encoding-type': 'url' },
      statuses: [200],
      answer: 'xml',
    },
    signal,
  );
  const page = read(UploadPage, xml);
  const isEncoded = page.EncodingType === 'url';
  return page.Upload.filter(({ Key }) => (isEncoded ? decodeURIComponent(Key.replaceAll('+', ' ')) : Key) === key).map(
    ({ UploadId, Initiated }) => ({ uploadId: UploadId, begunAtMs: Initiated }),
  );
}

const Part = z.object({
  PartNumber: z.coerce.number().int().min(1),
  ETag: z.string().min(1),
  HashCrc64ecma: z.string().optional(),
  Size: z.coerce.number().int().min(0),
});

const PartPage = z.object({
  IsTruncated: z.stringbool(),
  NextPartNumberMarker: z.coerce.number().int().min(0).default(0),
  Part: many(Part),
});

const UploadPage = z.object({
  EncodingType: z.string().optional(),
  Upload: many(
    z.object({
      Key: z.string(),
      UploadId: z.string().min(1),
      Initiated: z.string().transform((text) => Date.parse(text)),
    }),
  ),
});

function partOf({ PartNumber, ETag, HashCrc64ecma, Size }: z.infer<typeof Part>): OssPart {
  return {
    number: PartNumber,
    sizeBytes: Size,
    md5: md5OfEtag(ETag),
    crc64: crc64OfHeader(HashCrc64ecma) ?? '',
  };
}
