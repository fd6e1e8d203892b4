/** What may be done to what, as statements; each function and the relay put together just those that their code asks for. */
import { hints } from './queues.ts';
import { bucket, FILES, GUESTS, INBOX, STAGING } from './staging.ts';
import { table } from './table.ts';

export interface Grant {
  readonly actions: string[];
  readonly resources: $util.Input<string>[];
}

const objects = (prefix: string): $util.Output<string> => $interpolate`${bucket.arn}/${prefix}*`;

/** Rows and cells by their keys. */
export const readRows: Grant = { actions: ['dynamodb:GetItem', 'dynamodb:Query'], resources: [table.arn] };
export const madeRows: Grant = { actions: ['dynamodb:PutItem'], resources: [table.arn] };
export const changedRows: Grant = { actions: ['dynamodb:UpdateItem'], resources: [table.arn] };

/** What is over: receipts of an upload that is gone, a destination, a login, a guest's session. */
export const removedRows: Grant = { actions: ['dynamodb:DeleteItem'], resources: [table.arn] };

/** The list of one owner, from its index, and then those rows. */
export const ownedRows: readonly Grant[] = [
  { actions: ['dynamodb:Query'], resources: [$interpolate`${table.arn}/index/owner`] },
  { actions: ['dynamodb:BatchGetItem'], resources: [table.arn] },
];

/** Which of them ended since when. */
export const endedRows: Grant = { actions: ['dynamodb:Query'], resources: [$interpolate`${table.arn}/index/ended`] };

export const dueRows: Grant = { actions: ['dynamodb:Query'], resources: [$interpolate`${table.arn}/index/due`] };

export const sentHints: Grant = { actions: ['sqs:SendMessage'], resources: [hints.arn] };

/**
 * Without a condition on the prefix: a HEAD of a key that is not there would then be refused instead of answered with 404. There is
 * nothing else in the bucket.
 */
export const listedObjects: Grant = { actions: ['s3:ListBucket'], resources: [bucket.arn] };

export const readInbox: Grant = { actions: ['s3:GetObject'], resources: [objects(INBOX)] };
export const readObjects: Grant = { actions: ['s3:GetObject'], resources: [objects(STAGING), objects(INBOX)] };

/** What a presigned put may do is what its signer may. */
export const putChunks: Grant = { actions: ['s3:PutObject'], resources: [objects(STAGING)] };
export const removedChunks: Grant = { actions: ['s3:DeleteObject'], resources: [objects(STAGING)] };
export const removedObjects: Grant = { actions: ['s3:DeleteObject'], resources: [objects(STAGING), objects(INBOX)] };

/** Files that stay: put, looked at, handed out and removed. */
export const keptFiles: Grant = {
  actions: ['s3:PutObject', 's3:GetObject', 's3:DeleteObject'],
  resources: [objects(FILES)],
};

/** Multipart uploads and forms of clients that were not made for us. */
export const guestUploads: readonly Grant[] = [
  { actions: ['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'], resources: [objects(GUESTS)] },
  { actions: ['s3:ListBucketMultipartUploads'], resources: [bucket.arn] },
];

/** What they left, a week later. */
export const abortedUploads: readonly Grant[] = [
  { actions: ['s3:AbortMultipartUpload'], resources: [objects(GUESTS)] },
  { actions: ['s3:ListBucketMultipartUploads'], resources: [bucket.arn] },
];

export function receivedFrom(queue: sst.aws.Queue): Grant {
  return {
    actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
    resources: [queue.arn],
  };
}
