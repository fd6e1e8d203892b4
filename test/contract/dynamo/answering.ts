/** A DynamoDB that gives every request one and the same answer. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { dynamoClient } from '#adapters/dynamo/client.ts';
import { dynamoWorkTable } from '#adapters/dynamo/work-table.ts';
import type { WorkTable } from '#core/ports/work-table.ts';

export interface Answering extends AsyncDisposable {
  readonly table: WorkTable;
  requests(): number;
}

export async function answering(status: number, body: unknown): Promise<Answering> {
  let requests = 0;
  const server = createServer((incoming, outgoing) => {
    requests++;
    incoming.resume();
    outgoing.writeHead(status, { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': 'REQUEST' });
    outgoing.end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it has no port');
  const credentials = { accessKeyId: 'local', secretAccessKey: 'a-secret-key' };
  const client = dynamoClient({ region: 'us-east-1', endpoint: `http://127.0.0.1:${address.port}`, credentials });
  return {
    table: dynamoWorkTable(client, 'entrepot'),
    requests: () => requests,
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
