/**
 * What each role may do, and nothing else: role → resource → actions. A line that is added here is a right that somebody who takes
 * a function over gains.
 */

const MADE_ROWS = ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query'];
const ROWS = [...MADE_ROWS, 'dynamodb:UpdateItem'];
const POLLED = ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'];
const WRITTEN_LOG = ['logs:CreateLogStream', 'logs:PutLogEvents'];

export const EXPECTED_RIGHTS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  ApiRole: {
    'dynamodb:table/WorkTable': ['dynamodb:BatchGetItem', 'dynamodb:DeleteItem', ...ROWS],
    'dynamodb:table/WorkTable/index/due': ['dynamodb:Query'],
    'dynamodb:table/WorkTable/index/ended': ['dynamodb:Query'],
    'dynamodb:table/WorkTable/index/owner': ['dynamodb:Query'],
    'sqs:HintsQueue': ['sqs:SendMessage'],
    's3:stagingbucket': ['s3:ListBucket', 's3:ListBucketMultipartUploads'],
    's3:stagingbucket/staging/*': ['s3:PutObject'],
    's3:stagingbucket/inbox/*': ['s3:GetObject'],
    's3:stagingbucket/inbox/~guest/*': ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts', 's3:PutObject'],
    's3:stagingbucket/files/*': ['s3:DeleteObject', 's3:GetObject', 's3:PutObject'],
    'logs:log-group:/aws/lambda/api:*': WRITTEN_LOG,
  },
  StagedRole: {
    'dynamodb:table/WorkTable': MADE_ROWS,
    'sqs:EventsQueue': POLLED,
    'sqs:HintsQueue': ['sqs:SendMessage'],
    's3:stagingbucket': ['s3:ListBucket'],
    's3:stagingbucket/staging/*': ['s3:DeleteObject'],
    's3:stagingbucket/inbox/*': ['s3:GetObject'],
    'logs:log-group:/aws/lambda/staged:*': WRITTEN_LOG,
  },
  MoveRole: {
    'dynamodb:table/WorkTable': ['dynamodb:DeleteItem', ...ROWS],
    'dynamodb:table/WorkTable/index/due': ['dynamodb:Query'],
    'sqs:HintsQueue': [...POLLED, 'sqs:SendMessage'],
    's3:stagingbucket': ['s3:ListBucket'],
    's3:stagingbucket/staging/*': ['s3:DeleteObject', 's3:GetObject'],
    's3:stagingbucket/inbox/*': ['s3:DeleteObject', 's3:GetObject'],
    'logs:log-group:/aws/lambda/move:*': WRITTEN_LOG,
  },
  SweepRole: {
    'dynamodb:table/WorkTable': ['dynamodb:DeleteItem', ...ROWS],
    'dynamodb:table/WorkTable/index/due': ['dynamodb:Query'],
    'sqs:HintsQueue': ['sqs:SendMessage'],
    's3:stagingbucket': ['s3:ListBucket', 's3:ListBucketMultipartUploads'],
    's3:stagingbucket/inbox/~guest/*': ['s3:AbortMultipartUpload'],
    'logs:log-group:/aws/lambda/sweep:*': WRITTEN_LOG,
  },
  RelayTaskRole: {
    'dynamodb:table/WorkTable': ['dynamodb:BatchGetItem', ...ROWS],
    'dynamodb:table/WorkTable/index/due': ['dynamodb:Query'],
    'dynamodb:table/WorkTable/index/ended': ['dynamodb:Query'],
    'dynamodb:table/WorkTable/index/owner': ['dynamodb:Query'],
    'sqs:HintsQueue': ['sqs:SendMessage'],
    's3:stagingbucket': ['s3:ListBucket'],
    's3:stagingbucket/staging/*': ['s3:GetObject'],
    's3:stagingbucket/inbox/*': ['s3:GetObject'],
  },
  RelayExecutionRole: {
    'ssm:parameter//entrepot/(stage)/SealKey': ['ssm:GetParameters'],
    'ssm:parameter//entrepot/(stage)/ProgressKey': ['ssm:GetParameters'],
    'ssm:parameter//entrepot/(stage)/TicketKey': ['ssm:GetParameters'],
  },
  EachMinuteRole: { 'lambda:function:sweep': ['lambda:InvokeFunction'] },
  EachHourRole: { 'lambda:function:sweep': ['lambda:InvokeFunction'] },
};

/** Resources that end in a star, and why they have to. */
export const EXPECTED_STARS: Readonly<Record<string, string>> = {
  's3:stagingbucket/staging/*': 'objects are granted by prefix: uploads are made up while it runs',
  's3:stagingbucket/inbox/*': 'the same, of what S3 clients put',
  's3:stagingbucket/inbox/~guest/*': 'the same, of clients like Uppy',
  's3:stagingbucket/files/*': 'the same, of files that stay',
  'logs:log-group:/aws/lambda/api:*': 'streams of one log group, which Lambda names',
  'logs:log-group:/aws/lambda/staged:*': 'the same',
  'logs:log-group:/aws/lambda/move:*': 'the same',
  'logs:log-group:/aws/lambda/sweep:*': 'the same',
};

/** Policies that AWS wrote, which have stars of their own. */
export const EXPECTED_MANAGED: Readonly<Record<string, readonly string[]>> = {
  // Pulls the image and writes the log, before our code runs and out of its reach: a token of ECR has no resource of its own.
  RelayExecutionRole: ['arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy'],
};
