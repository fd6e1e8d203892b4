/** What Uppy's S3 plug-in sends to a Companion server, and the right to send it. */
import * as z from 'zod';
import { DestinationId } from './ids.ts';
import { FolderPath } from './upload.ts';

/** Meta fields are a page's own: what is of no use here is passed over. */
const Metadata = z.record(z.string(), z.unknown());

export const BeginMultipart = z.object({
  filename: z.string().min(1),
  type: z.string().nullish(),
  metadata: Metadata.nullish(),
});
export type BeginMultipart = z.infer<typeof BeginMultipart>;

export const CompleteMultipart = z.object({
  parts: z
    .array(z.object({ PartNumber: z.int().min(1).max(10_000), ETag: z.string().min(1).max(256) }))
    .min(1)
    .max(10_000),
});

export const PartNumbers = z
  .string()
  .regex(/^\d{1,5}(,\d{1,5})*$/)
  .transform((text) => text.split(',').map(Number))
  .refine((numbers) => numbers.length <= 1_000);

export const CreateUppyToken = z.object({
  destinationId: DestinationId,
  path: FolderPath.default('/'),
  ttlSeconds: z
    .int()
    .min(60)
    .max(24 * 60 * 60)
    .default(12 * 60 * 60)
    .describe('how long uploads may be begun and carried on with it'),
});

export const UppyTokenAnswer = z.object({
  endpoint: z.string().describe('for `companionEndpoint` of @uppy/aws-s3 6, `endpoint` of 5'),
  expiresAt: z.iso.datetime(),
});
