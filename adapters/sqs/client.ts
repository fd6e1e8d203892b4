/** One SQS client for AWS and everything that speaks its protocol. */
import { SQSClient } from '@aws-sdk/client-sqs';

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

/** A consumer's one long poll, and what its handlers send, settle and extend meanwhile. */
const SOCKETS_MAX = 50;
const CONNECTION_TIMEOUT_MS = 3_000;
/** Any call but a receive, which brings a timeout of its own. */
const REQUEST_TIMEOUT_MS = 5_000;
/** Tries per call, with the SDK's jittered pauses between them: a lost reply is a message twice, which everybody expects. */
const ATTEMPTS_MAX = 3;

/** The caller ends it with `destroy()`, which closes the idle sockets. */
export function sqsClient({ region, endpoint, credentials }: SqsConfig): SQSClient {
  const agent = { keepAlive: true, maxSockets: SOCKETS_MAX };
  return new SQSClient({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    retryMode: 'standard',
    maxAttempts: ATTEMPTS_MAX,
    // Each of these is looked up in the environment and in ~/.aws when it is left out.
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    defaultsMode: 'standard',
    authSchemePreference: [],
    userAgentAppId: 'entrepot',
    logger: SILENT,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
      logger: SILENT,
    },
  });
}

/** Adapters are silent: the SDK would print warnings of its own. */
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {}
