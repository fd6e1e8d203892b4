/** The three calls of a consumer: take messages, remove them, say when they come back. */
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SqsMessage, SqsSource } from '#clients/sqs/event.ts';
import type { Clock } from '#core/ports/clock.ts';
import { untilDone } from './batch.ts';
import { queueFault } from './faults.ts';

export interface SqsQueue {
  /** Up to `limit` (1 to 10) messages, as soon as there is one; none when the wait is over. Rejects when the signal aborts. */
  receive(limit: number, signal: AbortSignal): Promise<readonly SqsMessage[]>;
  /** At most 10. Answers how many the queue would not remove: their receipts had lapsed, and they come again. */
  remove(messages: readonly SqsMessage[]): Promise<number>;
  /** At most 10, hidden for so long from now on. Answers how many were not ours to hide any more. */
  hide(messages: readonly SqsMessage[], secondsOf: (message: SqsMessage) => number): Promise<number>;
  source(): Promise<SqsSource>;
}

export interface SqsQueueOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly clock: Clock;
  /** How long a receive waits for a first message; 0 to 20. */
  readonly waitSeconds: number;
  /** How long a received message is hidden from others. */
  readonly visibilitySeconds: number;
}

/** What a reply may take beyond the wait that was asked for. */
const REPLY_TIMEOUT_MS = 5_000;

/** All calls reject with a Fault (`queue.*`). Throws a TypeError for what is no URL. */
export function sqsQueue({ client, queueUrl, clock, waitSeconds, visibilitySeconds }: SqsQueueOptions): SqsQueue {
  const [account, name] = new URL(queueUrl).pathname.split('/').slice(-2);
  return {
    receive: async (limit, signal) => {
      const command = new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: limit,
        WaitTimeSeconds: waitSeconds,
        VisibilityTimeout: visibilitySeconds,
        MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
      });
      const requestTimeout = waitSeconds * 1000 + REPLY_TIMEOUT_MS;
      const answer = await client.send(command, { abortSignal: signal, requestTimeout }).catch((error: unknown) => {
        throw queueFault(error);
      });
      return (answer.Messages ?? []).flatMap(messageOf);
    },
    remove: async (messages) => {
      const entries = messages.map(({ receiptHandle }, index) => ({ Id: String(index), ReceiptHandle: receiptHandle }));
      const call = (Entries: typeof entries) =>
        client.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
      return (await untilDone(entries, call, clock)).length;
    },
    hide: async (messages, secondsOf) => {
      const entries = messages.map((message, index) => ({
        Id: String(index),
        ReceiptHandle: message.receiptHandle,
        VisibilityTimeout: secondsOf(message),
      }));
      const call = (Entries: typeof entries) =>
        client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl, Entries }));
      return (await untilDone(entries, call, clock)).length;
    },
    source: async () => {
      const region = await client.config.region();
      return { region, arn: `arn:aws${region.startsWith('cn-') ? '-cn' : ''}:sqs:${region}:${account}:${name}` };
    },
  };
}

/** Without an id or a receipt nothing can be done for a message: it comes again, and is set aside by its queue in the end. */
function messageOf({ MessageId, ReceiptHandle, Body, Attributes }: Message): readonly SqsMessage[] {
  if (MessageId === undefined || ReceiptHandle === undefined) return [];
  return [
    {
      messageId: MessageId,
      receiptHandle: ReceiptHandle,
      body: Body ?? '',
      receives: Number(Attributes?.ApproximateReceiveCount ?? 1),
      sentAtMs: Number(Attributes?.SentTimestamp ?? 0),
    },
  ];
}
