/** The bucket where files wait, and the events that it tells. */
import { page } from './page.ts';
import { events } from './queues.ts';
import { stage } from './stage.ts';

export const STAGING = 'staging/';
export const INBOX = 'inbox/';
/** What stays until somebody removes it: no event tells of it, and it never expires. */
export const FILES = 'files/';
/** Where uploads of clients that were not made for us are put together. */
export const GUESTS = `${INBOX}~guest/`;

/** A session of a guest lives for a week. */
const UNFINISHED = {
  id: 'unfinished',
  filter: { prefix: '' },
  status: 'Enabled',
  abortIncompleteMultipartUpload: { daysAfterInitiation: 8 },
};

export const bucket = new sst.aws.Bucket('Staging', {
  // No cookie opens it: each put carries a signature of its own. So this only says whose pages are served, and is no lock.
  cors: {
    allowOrigins: $output(page.url).apply((url) => [new URL(url).origin, ...stage.otherOrigins]),
    allowMethods: ['PUT', 'POST', 'GET', 'HEAD'],
    allowHeaders: ['*'],
    exposeHeaders: ['ETag', 'Location'],
    maxAge: '1 hour',
  },
  // What nobody removed: an upload lives for 21 days at most.
  lifecycle: [
    { id: 'chunks', prefix: STAGING, expiresIn: '30 days' },
    { id: 'inbox', prefix: INBOX, expiresIn: '30 days' },
  ],
  transform: {
    bucket: { forceDestroy: stage.deletion === 'allowed' },
    lifecycle: (args) => {
      args.rules = $output(args.rules).apply((rules) => [...(rules ?? []), UNFINISHED]);
    },
  },
});

new aws.s3.BucketServerSideEncryptionConfiguration('StagingEncryption', {
  bucket: bucket.name,
  // With keys of KMS an ETag would be no digest of the bytes, which is what tells two contents apart.
  rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: 'AES256' } }],
});

const mayTell = new aws.sqs.QueuePolicy('EventsPolicy', {
  queueUrl: events.url,
  policy: aws.iam.getPolicyDocumentOutput({
    statements: [
      {
        principals: [{ type: 'Service', identifiers: ['s3.amazonaws.com'] }],
        actions: ['sqs:SendMessage'],
        resources: [events.arn],
        conditions: [
          { test: 'ArnEquals', variable: 'aws:SourceArn', values: [bucket.arn] },
          {
            test: 'StringEquals',
            variable: 'aws:SourceAccount',
            values: [aws.getCallerIdentityOutput().accountId],
          },
        ],
      },
    ],
  }).json,
});

new aws.s3.BucketNotification(
  'StagingEvents',
  {
    bucket: bucket.name,
    queues: [STAGING, INBOX].map((filterPrefix) => ({
      id: filterPrefix.replace('/', ''),
      queueArn: events.arn,
      events: ['s3:ObjectCreated:*'],
      filterPrefix,
    })),
  },
  // S3 tries the queue when it is wired.
  { dependsOn: [mayTell] },
);
