/** Where an agent may read for a few minutes without keys, as the home tells it. Such a URL is a secret: it goes into no log and no Fault. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';

export const BucketLink = z.object({
  url: z.url({ protocol: /^https?$/ }),
  /** To be sent as they are, all of them. */
  headers: z.record(z.string(), z.string()),
});
export type BucketLink = z.infer<typeof BucketLink>;

/** Of a part's bytes, as many as follow each other in one object. */
export const PartLink = BucketLink.extend({ sizeBytes: z.int().min(1) });
export type PartLink = z.infer<typeof PartLink>;

/** The bucket cannot be had from where the agent is; `how` holds no address. What may be had over the line is had there instead. */
export function unreached(how: string): Fault {
  return new Fault('transient', 'agent.bucket_unreached', `the agent does not reach the bucket: ${how}`);
}

/** Something answers in its place, or it answers otherwise than a bucket that was asked by a signed URL. */
export function strange(how: string): Fault {
  return new Fault('transient', 'agent.bucket_strange', `what answers in the bucket's place is not it: ${how}`);
}

export function isBucketFault({ code }: Fault): boolean {
  return code.startsWith('agent.bucket_');
}
