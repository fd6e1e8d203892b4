/** The life of a multipart upload but for its completion: create, parts, listings, abort. */

import { isCrc } from '#core/crc.ts';
import { type ChecksumType, checksumAlgorithm, checksumElement } from '../checksum.ts';
import { bucketOf, type Call, type Context, objectOf, type Reply } from '../context.ts';
import { S3Error } from '../errors.ts';
import { storedHeaders } from '../metadata.ts';
import type { S3Request } from '../request.ts';
import type { Part, Upload } from '../uploads.ts';
import { optional, type XmlElement, xmlDocument } from '../xml.ts';
import { countParameter, keyEncoder } from './parameters.ts';

export function createUpload({ store }: Context, call: Call): Reply {
  const target = objectOf(call);
  const { request } = call;
  const checksum = wantedChecksum(request);
  const upload = store.uploads.create(target, storedHeaders(request), checksum);
  const headers: Record<string, string> = {};
  if (checksum) {
    headers['x-amz-checksum-algorithm'] = checksum.algorithm.toUpperCase();
    headers['x-amz-checksum-type'] = checksum.type;
  }
  return {
    status: 200,
    headers,
    xml: xmlDocument('InitiateMultipartUploadResult', [
      ['Bucket', target.bucket],
      ['Key', target.key],
      ['UploadId', upload.id],
    ]),
  };
}

/** The upload that a request names. Throws NoSuchBucket, NoSuchUpload. */
export function uploadOf({ store }: Context, call: Call): Upload {
  const target = objectOf(call);
  store.requireBucket(target.bucket);
  return store.uploads.find(target, call.request.query.get('uploadId') ?? '');
}

export function abortUpload(context: Context, call: Call): Reply {
  const { id } = uploadOf(context, call);
  context.store.transaction(() => context.store.uploads.end(id, new Set()));
  return { status: 204 };
}

export function listParts(context: Context, call: Call): Reply {
  const upload = uploadOf(context, call);
  const { query } = call.request;
  const partsMax = countParameter(query, 'max-parts');
  const marker = query.get('part-number-marker') ?? '0';
  if (!/^\d{1,10}$/.test(marker)) throw new S3Error('InvalidArgument', 'Provided part-number-marker not an integer.');
  const encode = keyEncoder(call.request);
  const parts = context.store.uploads.parts(upload.id, Number(marker), partsMax + 1);
  const page = parts.slice(0, partsMax);
  const isTruncated = parts.length > page.length;
  const owner = ownerOf(call);
  return {
    status: 200,
    xml: xmlDocument('ListPartsResult', [
      ['Bucket', upload.bucket],
      ...optional('EncodingType', query.get('encoding-type')),
      ['Key', encode(upload.key)],
      ['UploadId', upload.id],
      ['Initiator', owner],
      ['Owner', owner],
      ['StorageClass', 'STANDARD'],
      ...optional('ChecksumAlgorithm', upload.checksum?.algorithm.toUpperCase()),
      ...optional('ChecksumType', upload.checksum?.type),
      ['PartNumberMarker', marker],
      ...optional('NextPartNumberMarker', page.at(-1)?.number),
      ['MaxParts', partsMax],
      ['IsTruncated', isTruncated],
      ...page.map(partElement),
    ]),
  };
}

/** Without grouping: a delimiter is refused. */
export function listUploads({ store }: Context, call: Call): Reply {
  const { request } = call;
  const { query } = request;
  const bucket = bucketOf(request);
  store.requireBucket(bucket);
  if (query.get('delimiter')) throw new S3Error('NotImplemented', 'Uploads are not grouped by a delimiter.');
  const uploadsMax = countParameter(query, 'max-uploads');
  const prefix = query.get('prefix') ?? '';
  const keyMarker = query.get('key-marker') ?? '';
  const idMarker = keyMarker === '' ? undefined : query.get('upload-id-marker') || undefined;
  const found = store.uploads.list(bucket, prefix, { key: keyMarker, id: idMarker }, uploadsMax + 1);
  const page = found.slice(0, uploadsMax);
  const isTruncated = found.length > page.length;
  const last = isTruncated ? page.at(-1) : undefined;
  const encode = keyEncoder(request);
  const owner = ownerOf(call);
  return {
    status: 200,
    xml: xmlDocument('ListMultipartUploadsResult', [
      ['Bucket', bucket],
      ...optional('EncodingType', query.get('encoding-type')),
      ['KeyMarker', encode(keyMarker)],
      ['UploadIdMarker', idMarker ?? ''],
      ...optional('NextKeyMarker', last && encode(last.key)),
      ...optional('NextUploadIdMarker', last?.id),
      ['Prefix', encode(prefix)],
      ['MaxUploads', uploadsMax],
      ['IsTruncated', isTruncated],
      ...page.map((upload) => uploadElement(upload, encode, owner)),
    ]),
  };
}

/** The type follows the algorithm when it is not given: CRCs of a whole object can be combined, SHAs cannot. */
function wantedChecksum(request: S3Request): Upload['checksum'] {
  const name = request.header('x-amz-checksum-algorithm');
  const type = request.header('x-amz-checksum-type')?.toUpperCase();
  if (name === undefined) {
    if (type !== undefined) throw new S3Error('InvalidRequest', 'x-amz-checksum-type needs x-amz-checksum-algorithm.');
    return undefined;
  }
  const algorithm = checksumAlgorithm(name);
  const possible: ChecksumType[] =
    algorithm === 'crc64nvme' ? ['FULL_OBJECT'] : isCrc(algorithm) ? ['COMPOSITE', 'FULL_OBJECT'] : ['COMPOSITE'];
  const found = possible.find((each) => type === undefined || each === type);
  if (found === undefined) {
    throw new S3Error(
      'InvalidRequest',
      `The ${type} checksum type cannot be used with the ${algorithm} checksum algorithm.`,
    );
  }
  return { algorithm, type: found };
}

function ownerOf({ signature }: Call): readonly XmlElement[] {
  return [
    ['ID', signature.accessKeyId],
    ['DisplayName', signature.accessKeyId],
  ];
}

function partElement({ number, modifiedMs, etag, sizeBytes, checksum }: Part): XmlElement {
  return [
    'Part',
    [
      ['PartNumber', number],
      ['LastModified', new Date(modifiedMs).toISOString()],
      ['ETag', `"${etag}"`],
      ['Size', sizeBytes],
      ...(checksum ? optional(checksumElement(checksum.algorithm), checksum.value) : []),
    ],
  ];
}

function uploadElement(upload: Upload, encode: (key: string) => string, owner: readonly XmlElement[]): XmlElement {
  return [
    'Upload',
    [
      ['Key', encode(upload.key)],
      ['UploadId', upload.id],
      ['Initiator', owner],
      ['Owner', owner],
      ['StorageClass', 'STANDARD'],
      ['Initiated', new Date(upload.startedMs).toISOString()],
      ...optional('ChecksumAlgorithm', upload.checksum?.algorithm.toUpperCase()),
      ...optional('ChecksumType', upload.checksum?.type),
    ],
  ];
}
