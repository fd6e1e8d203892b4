/** What the service refuses, as it refuses it. */
import * as z from 'zod';
import { BATCH_MAX } from '#adapters/sqs/batch.ts';

/** Answered as 4xx, or as a failed entry of a batch. */
export class Refused extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, status = 400) {
    super(`refused with ${code}`);
    this.code = code;
    this.status = status;
  }
}

const Id = z.string().regex(/^[\w-]{1,80}$/);
const QueueUrl = z.url();

export const SendBatch = z.object({
  QueueUrl,
  Entries: z.array(z.object({ Id, MessageBody: z.string().min(1), DelaySeconds: z.int().min(0).max(900).optional() })),
});

export const Receive = z.object({
  QueueUrl,
  MaxNumberOfMessages: z.int().min(1).max(10).default(1),
  WaitTimeSeconds: z.int().min(0).max(20).default(0),
  VisibilityTimeout: z.int().min(0).max(43_200).optional(),
  MessageSystemAttributeNames: z.array(z.string()).default([]),
});

export const DeleteBatch = z.object({ QueueUrl, Entries: z.array(z.object({ Id, ReceiptHandle: z.string().min(1) })) });

export const HideBatch = z.object({
  QueueUrl,
  Entries: z.array(z.object({ Id, ReceiptHandle: z.string().min(1), VisibilityTimeout: z.int().min(0).max(43_200) })),
});

/** Everything but these may not be in a body. */
const ALLOWED = /^[\t\n\r -\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;
/** The least of the limits that the service has had for a call. */
const CALL_BYTES_MAX = 256 * 1024;

export function checkBatch(entries: readonly { readonly Id: string }[]): void {
  if (entries.length === 0) throw new Refused('EmptyBatchRequest');
  if (entries.length > BATCH_MAX) throw new Refused('TooManyEntriesInBatchRequest');
  if (new Set(entries.map(({ Id }) => Id)).size < entries.length) throw new Refused('BatchEntryIdsNotDistinct');
}

export function checkBodies(entries: readonly { readonly MessageBody: string }[]): void {
  const bytes = entries.reduce((sum, { MessageBody }) => sum + Buffer.byteLength(MessageBody), 0);
  if (bytes > CALL_BYTES_MAX) throw new Refused('BatchRequestTooLong');
}

export function isAllowed(body: string): boolean {
  return ALLOWED.test(body);
}
