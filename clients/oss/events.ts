/**
 * What OSS tells of objects that were created, in each of the shapes that it is told in: events of EventBridge (CloudEvents, one or a
 * list), notifications of MNS (bare or in its envelope, plain or in base64), and the event of a Function Compute trigger.
 */
import * as z from 'zod';
import { keyReadings } from '../key-readings.ts';

export interface OssCreated {
  /** Decoded. A key that may be encoded is there in both readings: an event is only a hint to look. */
  readonly keys: readonly string[];
  /** Events that tell of another bucket. */
  readonly elsewhere: number;
}

/** Objects of this bucket that the body of a push says were created. Throws for what is no event of OSS. */
export function createdInOss(bucketName: string, body: string): OssCreated {
  const events = eventsIn(body).filter(({ eventName }) => WHOLE_OBJECT.test(eventName));
  const ours = events.filter(({ oss }) => oss.bucket.name === bucketName);
  return {
    keys: [...new Set(ours.flatMap(({ oss }) => keyReadings(oss.object.key)))],
    elsewhere: events.length - ours.length,
  };
}

/** `ObjectCreated:*` would also be the beginning of an upload and each of its parts, of which there is nothing to read yet. */
const WHOLE_OBJECT = /^(?:oss:)?ObjectCreated:(?:PutObject|PostObject|CopyObject|CompleteMultipartUpload)$/i;

type OssEvent = z.infer<typeof OssEvent>;
const OssEvent = z.object({
  eventName: z.string(),
  oss: z.object({ bucket: z.object({ name: z.string() }), object: z.object({ key: z.string().min(1) }) }),
});

/** Of EventBridge: `data` is what the others send, and `type` repeats its name with `oss:` before it. */
const CloudEvent = z
  .object({ type: z.string(), data: OssEvent.partial({ eventName: true }) })
  .transform(({ type, data }): OssEvent => ({ ...data, eventName: type }));

const Notification = z.union([
  z.object({ events: z.array(OssEvent) }).transform(({ events }) => events),
  CloudEvent.transform((event) => [event]),
  z.array(CloudEvent).min(1),
]);

/** Of MNS, when its subscription has the format JSON. */
const Envelope = z.object({ Message: z.string(), MessageId: z.string() });

function eventsIn(body: string): readonly OssEvent[] {
  const told: unknown = JSON.parse(plain(body));
  const envelope = Envelope.safeParse(told);
  return Notification.parse(envelope.success ? JSON.parse(plain(envelope.data.Message)) : told);
}

/** OSS gives its notifications to MNS in base64. */
function plain(text: string): string {
  return /^\s*[[{]/.test(text) ? text : Buffer.from(text, 'base64').toString();
}
