/** Queue of storage events → uploads and hints. */
import * as z from 'zod';
import { createdInR2 } from '#adapters/r2/events.ts';
import { formDecoded, keyReadings } from '#clients/key-readings.ts';
import { createdInOss } from '#clients/oss/events.ts';
import type { Intake } from '#core/intake/intake.ts';
import { receive } from '#core/intake/receive.ts';
import { traceOf } from '#core/trace.ts';
import { eachMessage, type QueueAnswer } from './queue.ts';

const EventRecord = z.object({
  eventName: z.string(),
  eventSource: z.string().optional(),
  s3: z.object({ bucket: z.object({ name: z.string() }).optional(), object: z.object({ key: z.string() }) }),
});

/** The S3 event shape, also as MinIO and radosgw send it. S3 sends a test event once, when the queue is wired. */
const StorageEvent = z.union([
  z.object({ Records: z.array(EventRecord) }),
  z.object({ Event: z.literal('s3:TestEvent') }),
]);

export interface Created {
  /** Decoded. A key whose encoding cannot be known is there in both readings: an event is only a hint to look. */
  readonly keys: readonly string[];
  /** Records that tell of another bucket. */
  readonly elsewhere: number;
}

export function stagedHandler(intake: Intake) {
  return (event: unknown): Promise<QueueAnswer> =>
    eachMessage(
      event,
      (body) => receiveEvent(intake, body),
      (error) => intake.log.error('staged.failed', traceOf(error)),
    );
}

/** Of one message. Throws for what is no event of a store. */
export async function receiveEvent(intake: Intake, body: string): Promise<void> {
  const { keys, elsewhere } = createdIn(intake.bucketName, body);
  if (elsewhere > 0) intake.log.error('staged.other_bucket', { records: elsewhere });
  await receive(intake, keys);
}

/** Objects of this bucket that an event, in the shape of S3, R2 or one of OSS's, says were created. Throws for what is none. */
export function createdIn(bucketName: string, body: string): Created {
  const told = jsonOf(body);
  const s3 = StorageEvent.safeParse(told);
  if (s3.success) return createdInS3(bucketName, s3.data);
  return createdInR2(bucketName, told) ?? createdInOss(bucketName, body);
}

function createdInS3(bucketName: string, parsed: z.infer<typeof StorageEvent>): Created {
  if ('Event' in parsed) return { keys: [], elsewhere: 0 };
  const created = parsed.Records.filter(({ eventName }) => /^(s3:)?ObjectCreated:/.test(eventName));
  const ours = created.filter(({ s3 }) => s3.bucket === undefined || s3.bucket.name === bucketName);
  return { keys: [...new Set(ours.flatMap(keysOf))], elsewhere: created.length - ours.length };
}

/** OSS may send base64. */
function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Keys are form-encoded, so that a space is `+`; radosgw 16 sends them as they are. */
function keysOf({ eventSource, s3 }: z.infer<typeof EventRecord>): readonly string[] {
  const { key } = s3.object;
  return eventSource === 'ceph:s3' ? keyReadings(key) : [formDecoded(key)];
}
