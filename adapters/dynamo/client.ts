/** The DynamoDB client: few tries, short waits, and nothing from environment or profiles that it was not given. */
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';

export interface DynamoConfig {
  readonly region: string;
  /** `https://host[:port]`; absent: AWS's own endpoint of the region. */
  readonly endpoint?: string;
  /**
   * Keys, or a function that brings them. Absent: the SDK's default chain, which reads environment, profiles and metadata
   * services; a Lambda function gets its role's keys this way. The chain is the only thing that is ever looked up.
   */
  readonly credentials?: NonNullable<DynamoDBClientConfig['credentials']>;
}

const SOCKETS_MAX = 64;
const CONNECTION_TIMEOUT_MS = 2_000;
/** An answer takes milliseconds. Three tries of this, with their pauses, end before the next renewal of a lease is due. */
const REQUEST_TIMEOUT_MS = 5_000;
const ATTEMPTS_MAX = 3;

/** The caller ends it with `destroy()`, which closes the idle sockets. */
export function dynamoClient({ region, endpoint, credentials }: DynamoConfig): DynamoDBClient {
  const agent = { keepAlive: true, maxSockets: SOCKETS_MAX };
  return new DynamoDBClient({
    region,
    endpoint: endpoint ?? `https://dynamodb.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`,
    ...(credentials === undefined ? {} : { credentials }),
    retryMode: 'standard',
    maxAttempts: ATTEMPTS_MAX,
    // Each of these is looked up in the environment and in ~/.aws when it is left out.
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    accountIdEndpointMode: 'disabled',
    authSchemePreference: ['sigv4'],
    endpointDiscoveryEnabledProvider: async () => false,
    defaultsMode: 'standard',
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
