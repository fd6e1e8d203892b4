/**
 * Finds the operation that a request asks for: by what it names (nothing, a bucket, an object), its method, and the
 * query parameter or header that tells operations of one method apart.
 */
import type { Operation } from './context.ts';
import { S3Error } from './errors.ts';
import type { S3Request } from './request.ts';
import * as buckets from './routes/buckets.ts';
import { completeUpload } from './routes/complete-upload.ts';
import { copyObject } from './routes/copy-object.ts';
import { listObjectsV1, listObjectsV2 } from './routes/list-objects.ts';
import { copyPart, putPart } from './routes/put-part.ts';
import { readObject } from './routes/read-object.ts';
import { abortUpload, createUpload, listParts, listUploads } from './routes/uploads.ts';
import { deleteObject, deleteObjects, putObject } from './routes/write-object.ts';

/** Throws NotImplemented for what S3 has and this server has not, MethodNotAllowed for what S3 has not either. */
export function operationOf(request: S3Request): Operation {
  // First of all: `PUT key?acl` must not be taken for a PUT of the object.
  const unsupported = UNSUPPORTED.find((name) => request.query.has(name));
  if (unsupported !== undefined) throw new S3Error('NotImplemented', `?${unsupported} is not implemented.`);
  const version = request.query.get('versionId');
  if (version !== undefined && version !== 'null') throw new S3Error('NotImplemented', 'There are no versions.');

  if (request.bucket === undefined) return serviceOperation(request);
  return request.key === undefined ? bucketOperation(request) : objectOperation(request);
}

const UNSUPPORTED = [
  'accelerate',
  'acl',
  'analytics',
  'attributes',
  'cors',
  'encryption',
  'intelligent-tiering',
  'inventory',
  'legal-hold',
  'lifecycle',
  'logging',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'replication',
  'requestPayment',
  'restore',
  'retention',
  'select',
  'session',
  'tagging',
  'torrent',
  'versions',
  'website',
];

function serviceOperation({ method }: S3Request): Operation {
  if (method === 'GET') return buckets.listBuckets;
  throw new S3Error('MethodNotAllowed');
}

function bucketOperation({ method, query }: S3Request): Operation {
  switch (method) {
    case 'GET':
      if (query.has('location')) return buckets.bucketLocation;
      if (query.has('versioning')) return buckets.bucketVersioning;
      if (query.has('uploads')) return listUploads;
      return query.get('list-type') === '2' ? listObjectsV2 : listObjectsV1;
    case 'HEAD':
      return buckets.headBucket;
    case 'PUT':
      if (query.has('versioning')) throw new S3Error('NotImplemented', 'There are no versions.');
      return buckets.createBucket;
    case 'DELETE':
      return buckets.deleteBucket;
    case 'POST':
      if (query.has('delete')) return deleteObjects;
  }
  throw new S3Error('MethodNotAllowed');
}

function objectOperation(request: S3Request): Operation {
  const { method, query } = request;
  const isCopy = request.header('x-amz-copy-source') !== undefined;
  switch (method) {
    case 'GET':
      return query.has('uploadId') ? listParts : readObject;
    case 'HEAD':
      return readObject;
    case 'PUT':
      if (query.has('uploadId') || query.has('partNumber')) return isCopy ? copyPart : putPart;
      return isCopy ? copyObject : putObject;
    case 'DELETE':
      return query.has('uploadId') ? abortUpload : deleteObject;
    case 'POST':
      if (query.has('uploads')) return createUpload;
      if (query.has('uploadId')) return completeUpload;
  }
  throw new S3Error('MethodNotAllowed');
}
