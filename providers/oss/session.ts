/** What a transfer to OSS needs to remember. All else follows from the item and the settings. */
import * as z from 'zod';

/** `n` is which of the names that a conflict leads to: 1 is the wanted one. */
export type PartsSession = z.infer<typeof PartsSession>;
const PartsSession = z.object({
  v: z.literal(1),
  kind: z.literal('parts'),
  n: z.int().min(1),
  uploadId: z.string().min(1).max(256),
  /** Whether parts may be copied by OSS itself, which nobody but OSS can vouch for. */
  copies: z.boolean(),
});

/** An empty file has no parts, and a multipart upload needs one: it is put at the end, in one request. */
const EmptySession = z.object({ v: z.literal(1), kind: z.literal('empty') });

export type OssSession = z.infer<typeof OssSession>;
export const OssSession = z.discriminatedUnion('kind', [PartsSession, EmptySession]);
