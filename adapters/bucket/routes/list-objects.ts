/** ListObjectsV2 and the older ListObjects. */
import { checksumElement } from '../checksum.ts';
import { bucketOf, type Call, type Context, type Reply } from '../context.ts';
import { S3Error } from '../errors.ts';
import type { Entry, Page, Position } from '../listing.ts';
import type { S3Request } from '../request.ts';
import { optional, type XmlElement, xmlDocument } from '../xml.ts';
import { countParameter, keyEncoder } from './parameters.ts';

export function listObjectsV2(context: Context, { request }: Call): Reply {
  const shared = sharedParameters(request);
  const token = request.query.get('continuation-token');
  const startAfter = request.query.get('start-after');
  const from = token === undefined ? startAfter && { after: startAfter } : readToken(token);
  const page = pageOf(context, shared, from || undefined);
  const encode = keyEncoder(request);
  return {
    status: 200,
    xml: xmlDocument('ListBucketResult', [
      ...head(shared, page),
      ['KeyCount', page.entries.length],
      ...optional('StartAfter', startAfter && encode(startAfter)),
      ...optional('ContinuationToken', token),
      ...optional('NextContinuationToken', page.next && writeToken(page.next)),
      ...page.entries.map((entry) => entryElement(entry, encode)),
    ]),
  };
}

export function listObjectsV1(context: Context, { request }: Call): Reply {
  const shared = sharedParameters(request);
  const marker = request.query.get('marker') ?? '';
  // NextMarker may be a common prefix; given back, it has to lead behind its group.
  const isGroup = shared.delimiter !== '' && marker.endsWith(shared.delimiter) && marker.startsWith(shared.prefix);
  const page = pageOf(context, shared, marker === '' ? undefined : isGroup ? { behind: marker } : { after: marker });
  const encode = keyEncoder(request);
  const nextMarker = page.next && ('after' in page.next ? page.next.after : page.next.behind);
  return {
    status: 200,
    xml: xmlDocument('ListBucketResult', [
      ...head(shared, page),
      ['Marker', encode(marker)],
      ...optional('NextMarker', nextMarker && encode(nextMarker)),
      ...page.entries.map((entry) => entryElement(entry, encode)),
    ]),
  };
}

interface Shared {
  readonly request: S3Request;
  readonly bucket: string;
  readonly prefix: string;
  readonly delimiter: string;
  readonly keysMax: number;
}

function sharedParameters(request: S3Request): Shared {
  const { query } = request;
  return {
    request,
    bucket: bucketOf(request),
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    keysMax: countParameter(query, 'max-keys'),
  };
}

function pageOf({ store }: Context, { bucket, prefix, delimiter, keysMax }: Shared, from: Position | undefined): Page {
  store.requireBucket(bucket);
  return store.list({ bucket, prefix, delimiter, from, entriesMax: keysMax });
}

function head({ request, bucket, prefix, delimiter, keysMax }: Shared, page: Page): readonly XmlElement[] {
  const encode = keyEncoder(request);
  return [
    ['Name', bucket],
    ['Prefix', encode(prefix)],
    ...optional('Delimiter', delimiter === '' ? undefined : encode(delimiter)),
    ['MaxKeys', keysMax],
    ...optional('EncodingType', request.query.get('encoding-type')),
    ['IsTruncated', page.next !== undefined],
  ];
}

function entryElement(entry: Entry, encode: (key: string) => string): XmlElement {
  if ('commonPrefix' in entry) return ['CommonPrefixes', [['Prefix', encode(entry.commonPrefix)]]];
  const { key, modifiedMs, etag, sizeBytes, checksum } = entry.object;
  return [
    'Contents',
    [
      ['Key', encode(key)],
      ['LastModified', new Date(modifiedMs).toISOString()],
      ['ETag', `"${etag}"`],
      ...optional('ChecksumAlgorithm', checksum && checksumElement(checksum.algorithm).slice('Checksum'.length)),
      ...optional('ChecksumType', checksum?.type),
      ['Size', sizeBytes],
      ['StorageClass', 'STANDARD'],
    ],
  ];
}

/** Opaque to clients: where the next page begins. */
function writeToken(position: Position): string {
  return Buffer.from('after' in position ? `k${position.after}` : `p${position.behind}`).toString('base64url');
}

function readToken(token: string): Position {
  const text = Buffer.from(token, 'base64url').toString();
  if (text.startsWith('k')) return { after: text.slice(1) };
  if (text.startsWith('p')) return { behind: text.slice(1) };
  throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect.');
}
