/** A foreign SQS server in a thread of its own, whose seconds pass when the test says so. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface SqsServer extends AsyncDisposable {
  readonly region: string;
  queueUrl(name: string): string;
  /** Lets that much time pass for delays and visibility, at once. */
  advance(ms: number): Promise<void>;
}

export interface SqsServerQueue {
  readonly name: string;
  readonly visibilitySeconds: number;
  readonly deadLetter?: { readonly name: string; readonly maxReceives: number };
}

const REGION = 'us-east-1';

/** Queues that others name as their dead-letter queue come first. */
export async function startSqsServer(queues: readonly SqsServerQueue[]): Promise<SqsServer> {
  const worker = new Worker(new URL('./sqs-thread-server.ts', import.meta.url), {
    workerData: { queues, region: REGION },
  });
  const [port]: number[] = await once(worker, 'message');
  return {
    region: REGION,
    queueUrl: (name) => `http://localhost:${port}/123456789012/${name}`,
    advance: async (ms) => {
      worker.postMessage(ms);
      await once(worker, 'message');
    },
    [Symbol.asyncDispose]: async () => void (await worker.terminate()),
  };
}
