/** What a transfer to a bucket needs to remember. All else follows from the item and the settings. */
import * as z from 'zod';

/** What the store can prove of a file: a CRC of the whole, the MD5 of each part, or nothing but the size. */
export type Proof = z.infer<typeof Proof>;
export const Proof = z.enum(['crc64nvme', 'md5', 'size']);

/** `n` is which of the names that a conflict leads to: 1 is the wanted one. */
export type PartsSession = z.infer<typeof PartsSession>;
const PartsSession = z.object({
  v: z.literal(1),
  kind: z.literal('parts'),
  uploadId: z.string().min(1).max(1500),
  n: z.int().min(1),
  proof: Proof,
  /** Whether parts may be copied by the store itself, which nobody but the store can vouch for. */
  copies: z.boolean(),
});

/** An empty file has no parts, and a multipart upload needs one: it is put at the end, in one request. */
export type EmptySession = z.infer<typeof EmptySession>;
const EmptySession = z.object({ v: z.literal(1), kind: z.literal('empty'), n: z.int().min(1) });

export type S3Session = z.infer<typeof S3Session>;
export const S3Session = z.discriminatedUnion('kind', [PartsSession, EmptySession]);
