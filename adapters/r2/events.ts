/** What R2's event notifications tell of objects that were created: one to a message of a Queue. */
import * as z from 'zod';
import { keyReadings } from '#clients/key-readings.ts';

export interface R2Created {
  /** A key that may be encoded is there in both readings: an event is only a hint to look. */
  readonly keys: readonly string[];
  /** Events that tell of another bucket. */
  readonly elsewhere: number;
}

/** Objects of this bucket that the message, as JSON gives it, says were created. Null for what is no event of R2. */
export function createdInR2(bucketName: string, message: unknown): R2Created | null {
  const { success, data: event } = R2Event.safeParse(message);
  if (!success) return null;
  if (!CREATED.has(event.action)) return { keys: [], elsewhere: 0 };
  // Cloudflare's examples show keys as they are, and its documents do not promise it.
  return event.bucket === bucketName
    ? { keys: keyReadings(event.object.key), elsewhere: 0 }
    : { keys: [], elsewhere: 1 };
}

const R2Event = z.object({
  account: z.string(),
  action: z.string(),
  bucket: z.string(),
  object: z.object({ key: z.string().min(1) }),
});

/** The others are removals: `DeleteObject`, `LifecycleDeletion`. */
const CREATED: ReadonlySet<string> = new Set(['PutObject', 'CopyObject', 'CompleteMultipartUpload']);
