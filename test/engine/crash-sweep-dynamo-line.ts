/**
 * The SDK over a line that needs no turn of the event loop. A virtual clock jumps on when nothing moves in this thread; so while
 * DynamoDB answers in another one, this one stands still, and an answer takes no time.
 */
import { once } from 'node:events';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoClient } from '#adapters/dynamo/client.ts';
import type { Asked, Failed, Told } from './crash-sweep-dynamo-worker.ts';

export interface DynamoLine {
  readonly client: DynamoDBClient;
  /** A new, empty table, which takes the place of the one before; answers its name. */
  freshTable(): string;
  stop(): Promise<void>;
}

/** Far over what an answer takes: a busy machine may let a thread wait for many seconds. */
const ANSWER_TIMEOUT_MS = 60_000;

export function startDynamoLine(): DynamoLine {
  const { port1: port, port2: other } = new MessageChannel();
  const answers = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL('./crash-sweep-dynamo-worker.ts', import.meta.url), {
    workerData: { port: other, answers },
    transferList: [other],
  });
  let taken = 0;
  let silent = false;

  /** After one that never came, the next answer would be taken for that of another question: the line stays down. */
  function answer(): string | Told {
    silent ||= Atomics.wait(answers, 0, taken, ANSWER_TIMEOUT_MS) === 'timed-out';
    if (silent) throw new Error('DynamoDB does not answer');
    taken += 1;
    const received = receiveMessageOnPort(port);
    if (received === undefined) throw new Error('an answer of DynamoDB was counted, and is not there');
    const told = received.message as string | Told | Failed;
    if (typeof told === 'object' && 'failed' in told) throw new Error(`DynamoDB could not be asked: ${told.failed}`);
    return told;
  }

  function ask(asked: Asked | 'table'): string | Told {
    port.postMessage(asked);
    return answer();
  }

  answer();
  const client = dynamoClient({
    region: 'us-east-1',
    endpoint: 'http://dynamo.test',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  client.config.requestHandler = {
    ...client.config.requestHandler,
    // What is asked by a client of DynamoDB has a text for a body, and is answered as `Told`.
    handle: async ({ headers, body }) => ({ response: ask({ headers, body }) as Told }),
    destroy: () => undefined,
  };
  return {
    client,
    freshTable: () => String(ask('table')),
    stop: async () => {
      const ended = once(worker, 'exit');
      port.postMessage('stop');
      await ended;
      port.close();
    },
  };
}
