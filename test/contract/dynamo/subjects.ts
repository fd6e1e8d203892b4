/** What the suites are run on: an adapter over a client and a table of its own. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type DynamoConfig, dynamoClient } from '#adapters/dynamo/client.ts';
import type { LocalDynamo } from '../../support/dynalite.ts';
import type { Exception, Made } from '../suite.ts';

type Adapter<Subject> = (client: DynamoDBClient, tableName: string) => Subject;

export const NO_PURGE: readonly Exception[] = [
  'an expired row stays until a purge at or after its time',
  'purge takes no more than it is told',
].map((law) => ({ law, because: 'DynamoDB deletes expired rows itself, by their ttlAt' }));

/** Each call goes over a socket, on a machine that may be busy with other tests. */
export const TIMEOUTS = { timeoutMs: 240_000 } as const;

/** `config` where it is not DynamoDB itself that answers. */
export async function onTable<Subject>(
  dynamo: LocalDynamo,
  adapter: Adapter<Subject>,
  config: DynamoConfig = dynamo.config,
): Promise<Made<Subject>> {
  const name = await dynamo.createTable();
  const client = dynamoClient(config);
  const cleanup = async () => {
    client.destroy();
    await dynamo.dropTable(name);
  };
  return { subject: adapter(client, name), cleanup };
}
