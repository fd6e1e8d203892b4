/** What a person says of a bucket, and the keys to it. */
import * as z from 'zod';

const MIB = 1024 * 1024;
/** Of every part but the last, in S3 and everything like it. */
export const PART_BYTES_MIN = 5 * MIB;
export const PART_BYTES_MAX = 5 * 1024 * MIB;

export type S3Settings = z.infer<typeof S3Settings>;
export const S3Settings = z.strictObject({
  /** `https://host[:port]`; absent: AWS's own of the region. */
  endpoint: z
    .url({ protocol: /^https?$/ })
    .max(512)
    .refine((url) => isBare(url), 'an endpoint has no user, no query and no fragment')
    .optional(),
  region: z.string().min(1).max(64),
  bucket: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/, 'no name of a bucket'),
  /** A folder of the bucket; `a/b` and `/a/b/` are the same one. */
  prefix: z
    .string()
    .max(512)
    .transform((text) => text.replace(/^\/+|\/+$/g, ''))
    .transform((text) => (text === '' ? '' : `${text}/`))
    .default(''),
  /** `host/bucket/key` instead of `bucket.host/key`. Absent: so where an endpoint is given. */
  forcePathStyle: z.boolean().optional(),
  onConflict: z.enum(['replace', 'rename', 'fail']).default('replace'),
  /** `server`: what is staged in the same store is copied there, without coming to us. */
  copy: z.enum(['server', 'stream']).default('server'),
  /** Wanted; a part follows the staged chunks as near to it as can be. */
  partBytes: z.int().min(PART_BYTES_MIN).max(PART_BYTES_MAX).optional(),
});

export type S3Credentials = z.infer<typeof S3Credentials>;
export const S3Credentials = z.strictObject({
  accessKeyId: z.string().min(1).max(256),
  secretAccessKey: z.string().min(1).max(1024),
  sessionToken: z.string().min(1).max(8192).optional(),
});

function isBare(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}
