/** What a person says of a bucket of Aliyun OSS, and the keys to it. */
import * as z from 'zod';

export type OssSettings = z.infer<typeof OssSettings>;
export const OssSettings = z.strictObject({
  /** `https://oss-cn-hangzhou.aliyuncs.com`, without the bucket. */
  endpoint: z
    .url({ protocol: /^https?$/ })
    .max(512)
    .refine((url) => isBare(url), 'an endpoint has no user, no path, no query and no fragment')
    .transform((url) => url.replace(/\/$/, '')),
  /** `cn-hangzhou`; `oss-cn-hangzhou` is the same. */
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, 'a region is like cn-hangzhou')
    .transform((text) => text.replace(/^oss-/, '')),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/, 'no name of a bucket'),
  /** A folder of the bucket; `a/b` and `/a/b/` are the same one. */
  prefix: z
    .string()
    .max(512)
    .transform((text) => text.replace(/^\/+|\/+$/g, ''))
    .transform((text) => (text === '' ? '' : `${text}/`))
    .default(''),
  onConflict: z.enum(['replace', 'rename', 'fail']).default('replace'),
  /** `server`: what is staged in the same OSS is copied there, without coming to us. */
  copy: z.enum(['server', 'stream']).default('server'),
  /** `host/bucket/key` instead of `bucket.host/key`. OSS itself refuses it. */
  forcePathStyle: z.boolean().default(false),
});

export type OssKeys = z.infer<typeof OssKeys>;
export const OssKeys = z.strictObject({
  accessKeyId: z.string().min(1).max(256),
  accessKeySecret: z.string().min(1).max(1024),
  stsToken: z.string().min(1).max(8192).optional(),
});

function isBare(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.username === '' && `${url.pathname}${url.search}${url.hash}` === '/';
}
