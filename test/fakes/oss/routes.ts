/** Which operation a request asks for. */

import { getCors, getLifecycle, putCors } from './bucket.ts';
import type { Answer, Exchange, Operation } from './exchange.ts';
import { postObject } from './form.ts';
import { abort, complete, initiate, listParts, listUploads, uploadPart, uploadPartCopy } from './multipart.ts';
import { copyObject, deleteObject, getObject, headObject, listObjects, putObject } from './objects.ts';
import { refuse } from './refusal.ts';

export const routes: Readonly<Record<Operation, (exchange: Exchange) => Answer | Promise<Answer>>> = {
  PutObject: putObject,
  GetObject: getObject,
  HeadObject: headObject,
  DeleteObject: deleteObject,
  CopyObject: copyObject,
  ListObjects: listObjects,
  InitiateMultipartUpload: initiate,
  ListMultipartUploads: listUploads,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  ListParts: listParts,
  CompleteMultipartUpload: complete,
  AbortMultipartUpload: abort,
  PostObject: postObject,
  GetBucketCors: getCors,
  PutBucketCors: putCors,
  GetBucketLifecycle: getLifecycle,
};

export function operationOf({ method, key, query, headers, form }: Exchange): Operation {
  const isCopy = headers['x-oss-copy-source'] !== undefined;
  if (key === '') {
    if (form !== null) return 'PostObject';
    if (query.has('cors')) return method === 'PUT' ? 'PutBucketCors' : 'GetBucketCors';
    if (query.has('lifecycle') && method === 'GET') return 'GetBucketLifecycle';
    if (method !== 'GET') refuse(405, 'MethodNotAllowed', 'Not on a bucket.');
    return query.has('uploads') ? 'ListMultipartUploads' : 'ListObjects';
  }
  if (query.has('uploads') && method === 'POST') return 'InitiateMultipartUpload';
  if (query.has('uploadId')) {
    if (method === 'PUT') return isCopy ? 'UploadPartCopy' : 'UploadPart';
    if (method === 'GET') return 'ListParts';
    return method === 'POST' ? 'CompleteMultipartUpload' : 'AbortMultipartUpload';
  }
  if (method === 'PUT') return isCopy ? 'CopyObject' : 'PutObject';
  if (method === 'GET') return 'GetObject';
  if (method === 'HEAD') return 'HeadObject';
  if (method === 'DELETE') return 'DeleteObject';
  return refuse(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.');
}
