/** One SQS client for AWS and everything that speaks its protocol. */
import { SQSClient } from '@aws-sdk/client-sqs';
import { type AwsBounds, awsSettings } from '#clients/aws.ts';

export interface SqsConfig {
  readonly region: string;
  /** `https://host[:port]`; absent: the origin of each call's queue URL. */
  readonly endpoint?: string;
  /** Absent: what the runtime gives (a function's role, a container's, the environment); looked up at the first call. */
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
}

const BOUNDS: AwsBounds = {
  // A lost reply is a message twice, which everybody expects.
  attemptsMax: 3,
  // A consumer's one long poll, and what its handlers send, settle and extend meanwhile.
  socketsMax: 50,
  connectMs: 3_000,
  // Any call but a receive, which brings a timeout of its own.
  requestMs: 5_000,
};

/** The caller ends it with `destroy()`, which closes the idle sockets. */
export function sqsClient({ region, endpoint, credentials }: SqsConfig): SQSClient {
  return new SQSClient({
    ...awsSettings(BOUNDS),
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    authSchemePreference: [],
  });
}
