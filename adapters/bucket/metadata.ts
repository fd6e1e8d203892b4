/** The headers that are kept with an object, and those that ask for something this server does not have. */
import { S3Error } from './errors.ts';
import type { StoredHeaders } from './objects.ts';
import type { S3Request } from './request.ts';

const KEPT = ['content-type', 'cache-control', 'content-disposition', 'content-language', 'expires'] as const;

/** 2 KB for names and values together, AWS's limit. */
const USER_METADATA_BYTES_MAX = 2048;

/** Throws MetadataTooLarge, and NotImplemented or a like refusal for what could not be honoured. */
export function storedHeaders(request: S3Request): StoredHeaders {
  refuseUnsupported(request);
  const kept: Record<string, string> = {};
  for (const name of KEPT) {
    const value = request.headers.get(name);
    if (value !== undefined) kept[name] = value;
  }
  const encoding = contentEncoding(request.headers.get('content-encoding'));
  if (encoding !== '') kept['content-encoding'] = encoding;

  let metadataBytes = 0;
  for (const name of metadataNames(request)) {
    const value = request.header(name) ?? '';
    kept[name] = value;
    metadataBytes += name.length - 'x-amz-meta-'.length + value.length;
  }
  if (metadataBytes > USER_METADATA_BYTES_MAX) throw new S3Error('MetadataTooLarge');
  return kept;
}

function metadataNames(request: S3Request): Set<string> {
  const names = [...request.headers.keys(), ...[...request.query.keys()].map((name) => name.toLowerCase())];
  return new Set(names.filter((name) => name.startsWith('x-amz-meta-')));
}

/** aws-chunked is undone on the way in, so it is no property of what is stored. */
function contentEncoding(header: string | undefined): string {
  const codings = (header ?? '').split(',').map((coding) => coding.trim());
  return codings.filter((coding) => coding !== '' && coding !== 'aws-chunked').join(',');
}

function refuseUnsupported(request: S3Request): void {
  const acl = request.header('x-amz-acl');
  if (acl !== undefined && acl !== 'private' && acl !== 'bucket-owner-full-control') {
    throw new S3Error('AccessControlListNotSupported');
  }
  if ((request.header('x-amz-storage-class') ?? 'STANDARD') !== 'STANDARD') throw new S3Error('InvalidStorageClass');
  for (const name of request.headers.keys()) {
    if (UNSUPPORTED.some((start) => name.startsWith(start)))
      throw new S3Error('NotImplemented', `${name} is not implemented.`);
  }
}

const UNSUPPORTED = [
  'x-amz-server-side-encryption',
  'x-amz-grant-',
  'x-amz-object-lock-',
  'x-amz-tagging',
  'x-amz-website-redirect-location',
  'x-amz-write-offset-bytes',
];
