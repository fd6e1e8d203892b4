/** Objects: put, get, head, delete, copy, list. */
import { callback, isCallback } from './callback.ts';
import { type Answer, contentTypeOf, type Exchange, metaOf, overwriteOf, xmlAnswer } from './exchange.ts';
import { refuse, xml } from './refusal.ts';
import { md5, type StoredObject } from './store.ts';

export async function putObject(exchange: Exchange): Promise<Answer> {
  const { key, headers, body, store } = exchange;
  const object = store.write(
    key,
    { bytes: body, etag: md5(body), contentType: contentTypeOf(headers), meta: metaOf(headers) },
    overwriteOf(headers),
  );
  if (isCallback(headers)) return callback(exchange, object, object.bytes);
  return { status: 200, headers: { etag: `"${object.etag}"`, 'x-oss-hash-crc64ecma': object.crc64 } };
}

export function getObject({ key, headers, query, store }: Exchange): Answer {
  const object = found(store.objects.get(key));
  assertMatch(object, headers['if-match']);
  const overrides = Object.fromEntries(
    [...query]
      .filter(([name]) => name.startsWith('response-'))
      .map(([name, value]) => [name.slice('response-'.length), value]),
  );
  const described = { ...describe(object), ...overrides };
  const range = rangeOf(headers.range, headers['x-oss-range-behavior'] === 'standard', object.bytes.length);
  if (range === null) return { status: 200, headers: described, body: object.bytes };
  return {
    status: 206,
    headers: { ...described, 'content-range': `bytes ${range.start}-${range.end - 1}/${object.bytes.length}` },
    body: object.bytes.subarray(range.start, range.end),
  };
}

export function headObject({ key, headers, store }: Exchange): Answer {
  const object = found(store.objects.get(key));
  assertMatch(object, headers['if-match']);
  return { status: 200, headers: { ...describe(object), 'content-length': String(object.bytes.length) } };
}

export function deleteObject({ key, store }: Exchange): Answer {
  store.objects.delete(key);
  return { status: 204 };
}

export function copyObject(exchange: Exchange): Answer {
  const { key, headers, store } = exchange;
  const source = copySource(exchange);
  const object = store.write(key, { ...source, meta: metaOf(headers) }, overwriteOf(headers));
  const tree = { ETag: `"${object.etag}"`, LastModified: new Date(object.modifiedAtMs).toISOString() };
  return xmlAnswer(xml('CopyObjectResult', tree));
}

/** The object that `x-oss-copy-source` names, when the conditions hold. */
export function copySource({ bucket, headers, store }: Exchange): StoredObject {
  const [, from, key = ''] = /^\/?([^/]+)\/(.+)$/.exec(decodeURIComponent(String(headers['x-oss-copy-source']))) ?? [];
  if (from !== bucket) refuse(404, 'NoSuchBucket', 'The specified bucket does not exist.');
  const source = found(store.objects.get(key));
  assertMatch(source, headers['x-oss-copy-source-if-match']?.toString());
  return source;
}

/** ListObjectsV2: in byte order of UTF-8, strictly after `start-after` or the token. */
export function listObjects({ bucket, query, store, settings }: Exchange): Answer {
  if (query.get('list-type') !== '2') refuse(400, 'InvalidArgument', 'The fake lists by version 2 only.');
  const prefix = query.get('prefix') ?? '';
  const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
  const limit = Math.min(Number(query.get('max-keys') ?? 100), settings.pageMax, 1000);
  const encoded = (text: string) => (query.get('encoding-type') === 'url' ? encodeURIComponent(text) : text);
  const keys = [...store.objects.keys()]
    .filter((key) => key.startsWith(prefix) && compare(key, after) > 0)
    .sort(compare);
  const page = keys.slice(0, limit);
  const isTruncated = keys.length > page.length;
  return xmlAnswer(
    xml('ListBucketResult', {
      Name: bucket,
      Prefix: encoded(prefix),
      MaxKeys: limit,
      ...(query.get('encoding-type') === 'url' ? { EncodingType: 'url' } : {}),
      IsTruncated: isTruncated,
      KeyCount: page.length,
      ...(isTruncated ? { NextContinuationToken: page.at(-1) ?? '' } : {}),
      Contents: page.map((key) => {
        const object = found(store.objects.get(key));
        return {
          Key: encoded(key),
          LastModified: new Date(object.modifiedAtMs).toISOString(),
          ETag: `"${object.etag}"`,
          Type: 'Normal',
          Size: object.bytes.length,
          StorageClass: 'Standard',
        };
      }),
    }),
  );
}

function describe(object: StoredObject): Record<string, string> {
  return {
    etag: `"${object.etag}"`,
    'content-type': object.contentType,
    'last-modified': new Date(object.modifiedAtMs).toUTCString(),
    'x-oss-hash-crc64ecma': object.crc64,
    'x-oss-object-type': object.etag.includes('-') ? 'Multipart' : 'Normal',
    ...object.meta,
  };
}

/** By default OSS answers a range that is not wholly inside the object with all of it: `standard` asks for what HTTP says. */
function rangeOf(header: string | undefined, isStandard: boolean, sizeBytes: number) {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined) return null;
  const start = Number(first);
  const end = last ? Number(last) + 1 : sizeBytes;
  if (start < end && end <= sizeBytes) return { start, end };
  if (!isStandard) return null;
  if (start >= sizeBytes || start >= end) refuse(416, 'InvalidRange', 'The requested range cannot be satisfied.');
  return { start, end: sizeBytes };
}

function assertMatch(object: StoredObject, condition: string | undefined): void {
  if (condition === undefined || condition.replaceAll('"', '') === object.etag) return;
  refuse(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold.', {
    Condition: 'If-Match',
  });
}

function found(object: StoredObject | undefined): StoredObject {
  return object ?? refuse(404, 'NoSuchKey', 'The specified key does not exist.');
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
