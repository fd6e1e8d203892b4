/** Multipart uploads, also sequential ones. */
import { createHash } from 'node:crypto';
import { callback, isCallback } from './callback.ts';
import { type Answer, contentTypeOf, type Exchange, metaOf, overwriteOf, xmlAnswer } from './exchange.ts';
import { copySource } from './objects.ts';
import { refuse, xml } from './refusal.ts';
import { md5, type StoredPart, type Upload } from './store.ts';

/** Of every part but the last; found out at Complete only. */
const PART_BYTES_MIN = 100 * 1024;
const PARTS_MAX = 10_000;

export function initiate({ bucket, key, query, headers, store }: Exchange): Answer {
  const upload = store.begin({
    key,
    order: query.has('sequential') ? 'sequential' : 'any',
    contentType: contentTypeOf(headers),
    meta: metaOf(headers),
  });
  return xmlAnswer(xml('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: upload.id }));
}

export function uploadPart({ key, query, body, store }: Exchange): Answer {
  const part = store.putPart(store.upload(key, query.get('uploadId')), partNumber(query), body);
  return { status: 200, headers: { etag: `"${part.etag}"`, 'x-oss-hash-crc64ecma': part.crc64 } };
}

export function uploadPartCopy(exchange: Exchange): Answer {
  const { key, query, headers, store } = exchange;
  const upload = store.upload(key, query.get('uploadId'));
  const { bytes } = copySource(exchange);
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(String(headers['x-oss-copy-source-range'] ?? '')) ?? [];
  if (end !== undefined && Number(end) >= bytes.length)
    refuse(400, 'InvalidArgument', 'The range is not in the source.');
  const copied = end === undefined ? bytes : bytes.subarray(Number(start), Number(end) + 1);
  const part = store.putPart(upload, partNumber(query), Buffer.from(copied));
  const tree = { ETag: `"${part.etag}"`, LastModified: new Date(part.modifiedAtMs).toISOString() };
  return xmlAnswer(xml('CopyPartResult', tree));
}

export function listParts({ bucket, key, query, store, settings }: Exchange): Answer {
  const upload = store.upload(key, query.get('uploadId'));
  const after = Number(query.get('part-number-marker') ?? 0);
  const limit = Math.min(Number(query.get('max-parts') ?? 1000), settings.pageMax, 1000);
  const rest = [...upload.parts].filter(([number]) => number > after).sort(([a], [b]) => a - b);
  const page = rest.slice(0, limit);
  return xmlAnswer(
    xml('ListPartsResult', {
      Bucket: bucket,
      Key: key,
      UploadId: upload.id,
      StorageClass: 'Standard',
      PartNumberMarker: after,
      NextPartNumberMarker: page.at(-1)?.[0] ?? after,
      MaxParts: limit,
      IsTruncated: rest.length > page.length,
      Part: page.map(([number, part]) => ({
        PartNumber: number,
        LastModified: new Date(part.modifiedAtMs).toISOString(),
        ETag: `"${part.etag}"`,
        HashCrc64ecma: part.crc64,
        Size: part.bytes.length,
      })),
    }),
  );
}

export async function complete(exchange: Exchange): Promise<Answer> {
  const { bucket, key, query, headers, body, store } = exchange;
  const upload = store.upload(key, query.get('uploadId'));
  const parts = namedParts(upload, body.toString());
  const bytes = Buffer.concat(parts.map((part) => part.bytes));
  const etag = upload.order === 'sequential' ? md5(bytes) : etagOf(parts);
  const object = store.write(
    key,
    { bytes, etag, contentType: upload.contentType, meta: upload.meta },
    overwriteOf(headers),
  );
  store.uploads.delete(upload.id);
  if (isCallback(headers)) return callback(exchange, object, upload.order === 'sequential' ? bytes : null);
  const tree = { Location: `http://${bucket}/${key}`, Bucket: bucket, Key: key, ETag: `"${object.etag}"` };
  return xmlAnswer(xml('CompleteMultipartUploadResult', tree), {
    etag: `"${object.etag}"`,
    'x-oss-hash-crc64ecma': object.crc64,
  });
}

export function abort({ key, query, store }: Exchange): Answer {
  store.uploads.delete(store.upload(key, query.get('uploadId')).id);
  return { status: 204 };
}

/** In byte order of keys, and in order of time for one key. */
export function listUploads({ bucket, query, store, settings }: Exchange): Answer {
  const prefix = query.get('prefix') ?? '';
  const encoded = (text: string) => (query.get('encoding-type') === 'url' ? encodeURIComponent(text) : text);
  const uploads = [...store.uploads.values()].filter(({ key }) => key.startsWith(prefix));
  const page = uploads.slice(0, Math.min(Number(query.get('max-uploads') ?? 1000), settings.pageMax));
  return xmlAnswer(
    xml('ListMultipartUploadsResult', {
      Bucket: bucket,
      Prefix: encoded(prefix),
      ...(query.get('encoding-type') === 'url' ? { EncodingType: 'url' } : {}),
      IsTruncated: uploads.length > page.length,
      Upload: page.map(({ key, id, begunAtMs }) => ({
        Key: encoded(key),
        UploadId: id,
        StorageClass: 'Standard',
        Initiated: new Date(begunAtMs).toISOString(),
      })),
    }),
  );
}

function namedParts({ parts }: Upload, body: string): readonly StoredPart[] {
  const named = [...body.matchAll(/<Part>\s*<PartNumber>(\d+)<\/PartNumber>\s*<ETag>([^<]*)<\/ETag>\s*<\/Part>/g)].map(
    ([, number, etag = '']) => ({ number: Number(number), etag: etag.replaceAll('&quot;', '"').replaceAll('"', '') }),
  );
  if (named.length === 0) refuse(400, 'MalformedXML', 'The XML you provided was not well-formed or did not validate.');
  return named.map(({ number, etag }, at) => {
    if (number <= (named[at - 1]?.number ?? 0)) {
      refuse(400, 'InvalidPartOrder', 'The list of parts was not in ascending order.', { EC: '0042-00000209' });
    }
    const part = parts.get(number);
    if (part === undefined || part.etag !== etag.toUpperCase()) {
      refuse(400, 'InvalidPart', 'One or more of the specified parts could not be found or the ETag does not match.');
    }
    if (at < named.length - 1 && part.bytes.length < PART_BYTES_MIN) {
      refuse(400, 'EntityTooSmall', 'Your proposed upload smaller than the minimum allowed size.');
    }
    return part;
  });
}

function etagOf(parts: readonly StoredPart[]): string {
  const hash = createHash('md5');
  for (const { etag } of parts) hash.update(Buffer.from(etag, 'hex'));
  return `${hash.digest('hex').toUpperCase()}-${parts.length}`;
}

function partNumber(query: URLSearchParams): number {
  const number = Number(query.get('partNumber'));
  if (Number.isInteger(number) && number >= 1 && number <= PARTS_MAX) return number;
  return refuse(400, 'InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive.');
}
