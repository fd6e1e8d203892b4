/** Temporary keys to the bucket in which 115 takes files: an hour each. */
import * as z from 'zod';
import { firstOf, looseInt } from './loose.ts';

export interface OssToken {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly stsToken: string;
  readonly expiresAtMs: number;
}

/** The region of 115's bucket, part of what is signed. */
export const OSS_REGION = 'cn-shenzhen';
const OSS_ENDPOINT = 'https://oss-cn-shenzhen.aliyuncs.com';

const time = z.string().refine((text) => !Number.isNaN(Date.parse(text)), 'expected a time');

/** Both spellings of the end and of the secret have been seen. */
export const OssTokenData = firstOf(
  z
    .object({
      endpoint: z.string().min(1).optional(),
      StatusCode: looseInt.optional(),
      AccessKeyId: z.string().min(1),
      AccessKeySecret: z.string().min(1).optional(),
      AccessKeySecrett: z.string().min(1).optional(),
      SecurityToken: z.string().min(1),
      Expiration: time.optional(),
      expiration: time.optional(),
    })
    .refine((data) => data.AccessKeySecret ?? data.AccessKeySecrett, { path: ['AccessKeySecret'] })
    .refine((data) => data.Expiration ?? data.expiration, { path: ['Expiration'] }),
);
export type OssTokenData = z.infer<typeof OssTokenData>;

export function ossTokenOf(data: OssTokenData): OssToken {
  return {
    endpoint: overTls(data.endpoint ?? OSS_ENDPOINT),
    accessKeyId: data.AccessKeyId,
    accessKeySecret: data.AccessKeySecret ?? data.AccessKeySecrett ?? '',
    stsToken: data.SecurityToken,
    expiresAtMs: Date.parse(data.Expiration ?? data.expiration ?? ''),
  };
}

/** 115 was seen to name its bucket without encryption. */
export function overTls(url: string): string {
  return /^http:\/\/[^/]+\.aliyuncs\.com/.test(url) ? url.replace('http:', 'https:') : url;
}
