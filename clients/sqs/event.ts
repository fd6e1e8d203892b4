/** The shapes that a queue-triggered function is called with and answers, so that one handler serves here and in the cloud. */
import { createHash } from 'node:crypto';

export interface SqsRecord {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: {
    /** A decimal number, 1 at the first delivery. */
    readonly ApproximateReceiveCount: string;
    /** Epoch milliseconds. */
    readonly SentTimestamp: string;
  };
  readonly messageAttributes: Readonly<Record<string, never>>;
  readonly md5OfBody: string;
  readonly eventSource: 'aws:sqs';
  readonly eventSourceARN: string;
  readonly awsRegion: string;
}

export interface SqsEvent {
  readonly Records: readonly SqsRecord[];
}

export interface FunctionContext {
  readonly awsRequestId: string;
  /** What is left of the budget; 0 once it is used up. */
  getRemainingTimeInMillis(): number;
}

export interface SqsAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

export type SqsHandler = (event: SqsEvent, context: FunctionContext) => Promise<SqsAnswer>;

/** One delivery of one message. */
export interface SqsMessage {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  /** Deliveries so far, this one included. */
  readonly receives: number;
  /** Epoch milliseconds. */
  readonly sentAtMs: number;
}

export interface SqsSource {
  readonly arn: string;
  readonly region: string;
}

export function sqsRecord(
  { messageId, receiptHandle, body, receives, sentAtMs }: SqsMessage,
  from: SqsSource,
): SqsRecord {
  return {
    messageId,
    receiptHandle,
    body,
    attributes: { ApproximateReceiveCount: String(receives), SentTimestamp: String(Math.trunc(sentAtMs)) },
    messageAttributes: {},
    md5OfBody: createHash('md5').update(body).digest('hex'),
    eventSource: 'aws:sqs',
    eventSourceARN: from.arn,
    awsRegion: from.region,
  };
}
