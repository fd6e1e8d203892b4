/** What a bucket is set to: who may put into it from a page, and what it removes by itself. */
import * as z from 'zod';
import type { OssClient } from './client.ts';
import { isOssError } from './faults.ts';
import { many, read } from './xml.ts';

export interface CorsRule {
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly exposed: readonly string[];
  readonly maxAgeSeconds: number;
}

/** A rule that is in force; null where it does nothing of that kind. */
export interface LifecycleRule {
  readonly prefix: string;
  /** Objects are removed so many days after their last change; 0: from a date on. */
  readonly expiresAfterDays: number | null;
  readonly abortsUploads: boolean;
}

/** Whether anybody has said who may put from a page. */
export async function hasCors(client: OssClient, signal: AbortSignal): Promise<boolean> {
  try {
    await client.call({ method: 'GET', query: { cors: '' }, statuses: [200] }, signal);
    return true;
  } catch (error) {
    if (isOssError(error, 'NoSuchCORSConfiguration')) return false;
    throw error;
  }
}

/** Replaces whatever rules there are. */
export async function putCors(client: OssClient, rule: CorsRule, signal: AbortSignal): Promise<void> {
  const each = (name: string, values: readonly string[]): string =>
    values.map((value) => `<${name}>${value}</${name}>`).join('');
  const body =
    `<CORSConfiguration><CORSRule>${each('AllowedOrigin', rule.origins)}${each('AllowedMethod', rule.methods)}` +
    `${each('AllowedHeader', rule.headers)}${each('ExposeHeader', rule.exposed)}` +
    `<MaxAgeSeconds>${rule.maxAgeSeconds}</MaxAgeSeconds></CORSRule></CORSConfiguration>`;
  const headers = { 'content-type': 'application/xml' };
  await client.call({ method: 'PUT', query: { cors: '' }, headers, body, statuses: [200] }, signal);
}

/** None when the bucket has no rules at all. */
export async function lifecycleRules(client: OssClient, signal: AbortSignal): Promise<readonly LifecycleRule[]> {
  try {
    const request = { method: 'GET', query: { lifecycle: '' }, statuses: [200], answer: 'xml' } as const;
    const { xml } = await client.call(request, signal);
    return read(Lifecycle, xml)
      .Rule.filter(({ Status }) => Status === 'Enabled')
      .map(({ Prefix, Expiration, AbortMultipartUpload }) => ({
        prefix: Prefix,
        expiresAfterDays: Expiration === undefined ? null : Expiration.Days,
        abortsUploads: AbortMultipartUpload !== undefined,
      }));
  } catch (error) {
    if (isOssError(error, 'NoSuchLifecycle')) return [];
    throw error;
  }
}

const Lifecycle = z.object({
  Rule: many(
    z.object({
      Prefix: z.string().default(''),
      Status: z.string(),
      Expiration: z.object({ Days: z.coerce.number().int().min(0).default(0) }).optional(),
      AbortMultipartUpload: z.unknown().optional(),
    }),
  ),
});
