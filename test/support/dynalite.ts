/** A DynamoDB in this process: dynalite in memory, on a free port of the loopback. */
import { once } from 'node:events';
import { CreateTableCommand, DeleteTableCommand, DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { type DynamoConfig, dynamoClient } from '#adapters/dynamo/client.ts';
import { createTableInput } from '#adapters/dynamo/schema.ts';

export interface LocalDynamo {
  readonly config: DynamoConfig & { readonly endpoint: string };
  /** A new, empty table; answers its name. */
  createTable(): Promise<string>;
  dropTable(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** A table gets ready in a turn of the event loop: the first look finds it so. */
const LOOKS_MAX = 100;

export async function startDynalite(): Promise<LocalDynamo> {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('dynalite has no port');
  const config = {
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${address.port}`,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  };
  const client = dynamoClient(config);
  let tables = 0;
  return {
    config,
    createTable: async () => {
      const name = `entrepot-${++tables}`;
      await client.send(new CreateTableCommand(createTableInput(name)));
      for (let look = 0; look < LOOKS_MAX; look++) {
        const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
        if (Table?.TableStatus === 'ACTIVE') return name;
      }
      throw new Error(`table ${name} does not become active`);
    },
    dropTable: async (name) => void (await client.send(new DeleteTableCommand({ TableName: name }))),
    stop: async () => {
      client.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
