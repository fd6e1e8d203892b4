/**
 * CopyObject. A copy is a second row that names the same content, so it costs no byte and keeps the source's ETag and
 * checksum. (S3 gives the copy of a multipart object the ETag of a single put; nothing here depends on that.)
 */

import { checksumElement } from '../checksum.ts';
import { checkCopySource, writeCondition } from '../conditions.ts';
import { type Call, type Context, objectOf, type Reply } from '../context.ts';
import { S3Error } from '../errors.ts';
import { storedHeaders } from '../metadata.ts';
import type { StoredObject } from '../objects.ts';
import { decode, type S3Request, splitResource } from '../request.ts';
import { type XmlElement, xmlDocument } from '../xml.ts';

export function copyObject(context: Context, call: Call): Reply {
  const { bucket, key } = objectOf(call);
  const { request } = call;
  const given = storedHeaders(request);
  const condition = writeCondition(request);
  const source = copySource(context, request);
  const directive = request.header('x-amz-metadata-directive') ?? 'COPY';
  if (directive !== 'COPY' && directive !== 'REPLACE')
    throw new S3Error('InvalidArgument', 'Unknown metadata directive.');
  if (directive === 'COPY' && source.bucket === bucket && source.object.key === key) {
    throw new S3Error(
      'InvalidRequest',
      'This copy request is illegal because it copies an object to itself unchanged.',
    );
  }
  const { content, sizeBytes, etag, checksum } = source.object;
  const wanted = request.header('x-amz-checksum-algorithm')?.toLowerCase();
  if (wanted !== undefined && wanted !== checksum?.algorithm) {
    throw new S3Error('NotImplemented', 'A copy keeps the checksum of its source.');
  }
  const headers = directive === 'COPY' ? source.object.headers : given;

  const change = context.store.objects.put(bucket, { key, sizeBytes, etag, headers, checksum }, { content }, condition);
  context.publish(call, {
    name: 'ObjectCreated:Copy',
    bucket,
    key,
    sequence: change.sequence,
    atMs: change.modifiedMs,
    object: { sizeBytes, etag },
  });
  const checksums: XmlElement[] = checksum
    ? [
        [checksumElement(checksum.algorithm), checksum.value],
        ['ChecksumType', checksum.type],
      ]
    : [];
  return {
    status: 200,
    xml: xmlDocument('CopyObjectResult', [
      ['LastModified', new Date(change.modifiedMs).toISOString()],
      ['ETag', `"${etag}"`],
      ...checksums,
    ]),
  };
}

/** The object that x-amz-copy-source names. Throws NoSuchBucket, NoSuchKey, PreconditionFailed. */
export function copySource(
  { store }: Context,
  request: S3Request,
): { readonly bucket: string; readonly object: StoredObject } {
  const [name = '', version] = (request.header('x-amz-copy-source') ?? '').split('?versionId=');
  if (version !== undefined && version !== 'null') throw new S3Error('NotImplemented', 'There are no versions.');
  const path = decode(name);
  const { bucket, key } = splitResource(path.startsWith('/') ? path : `/${path}`);
  if (bucket === undefined || key === undefined) {
    throw new S3Error('InvalidArgument', 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey');
  }
  store.requireBucket(bucket);
  const object = store.objects.find(bucket, key);
  if (!object) throw new S3Error('NoSuchKey', undefined, { Key: key });
  checkCopySource(request, object);
  return { bucket, object };
}
