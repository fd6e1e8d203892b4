/** The DynamoDB client: few tries, short waits, and nothing from environment or profiles that it was not given. */
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { type AwsBounds, awsSettings } from '#clients/aws.ts';

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

const BOUNDS: AwsBounds = {
  attemptsMax: 3,
  socketsMax: 64,
  connectMs: 2_000,
  // An answer takes milliseconds. Three tries of this, with their pauses, end before the next renewal of a lease is due.
  requestMs: 5_000,
};

/** The caller ends it with `destroy()`, which closes the idle sockets. */
export function dynamoClient({ region, endpoint, credentials }: DynamoConfig): DynamoDBClient {
  return new DynamoDBClient({
    ...awsSettings(BOUNDS),
    region,
    endpoint: endpoint ?? `https://dynamodb.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`,
    ...(credentials === undefined ? {} : { credentials }),
    // As those of `awsSettings`: looked up when they are left out.
    accountIdEndpointMode: 'disabled',
    authSchemePreference: ['sigv4'],
    endpointDiscoveryEnabledProvider: async () => false,
  });
}
