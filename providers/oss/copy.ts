/** Parts that OSS copies by itself from the staging bucket, when all of one lies in one staged object. */
import { OssError } from '#clients/oss/faults.ts';
import { copyPart, type UploadName } from '#clients/oss/multipart.ts';
import { headObject } from '#clients/oss/objects.ts';
import type { PartBody } from '#core/ports/provider.ts';
import { type Link, told } from './link.ts';

/** Says nothing of what we may do. */
const TRANSIENT: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
/** Never there: what matters is whether we are told so. */
const PROBE_KEY = 'staging/.entrepot-check';

/** The settings want it, and the staging bucket is in the same OSS. */
export function mightCopy({ settings, staging }: Link): boolean {
  return (
    settings.copy === 'server' && staging.service === 'oss' && storeOf(staging.endpoint) === storeOf(settings.endpoint)
  );
}

/** Whether these keys can read the staging bucket too: one request, once for a process. */
export async function mayCopy(to: Link, signal: AbortSignal): Promise<boolean> {
  if (!mightCopy(to)) return false;
  to.learnt.mayCopy ??= await told(signal, canRead(to, signal));
  return to.learnt.mayCopy;
}

/**
 * Null when OSS does not copy it: then the part is to be streamed. The copy is bound to the staged version; of another content
 * the stream will say so.
 */
export async function copyStaged(
  to: Link,
  target: UploadName & { readonly number: number },
  { spans }: PartBody,
  signal: AbortSignal,
): Promise<{ readonly md5: string; readonly crc64: '' } | null> {
  const [span, ...others] = spans;
  if (span === undefined || others.length > 0 || to.learnt.mayCopy === false) return null;
  const { key, version: etag, range } = span;
  const source = { bucket: to.staging.bucket, key, etag, ...range };
  const copying = copyPart(to.client, { ...target, source }, signal).catch((error: unknown) => {
    if (!(error instanceof OssError) || TRANSIENT.has(error.status) || error.code === 'NoSuchUpload') throw error;
    // What is refused for this content may do for another; anything else is refused for all.
    if (error.status !== 412 && error.code !== 'NoSuchKey') to.learnt.mayCopy = false;
    return null;
  });
  const copied = await told(signal, copying);
  return copied && { md5: copied.md5, crc64: '' };
}

async function canRead({ client, staging }: Link, signal: AbortSignal): Promise<boolean> {
  const there = client.in(staging.bucket);
  try {
    return (await headObject(there, PROBE_KEY, signal)) === null;
  } catch (error) {
    if (error instanceof OssError && !TRANSIENT.has(error.status)) return false;
    throw error;
  }
}

/** A region's public and internal names lead to the same store; so do both protocols. */
function storeOf(endpoint: string): string {
  return new URL(endpoint).host.replace(/-internal(?=\.aliyuncs\.com$)/, '');
}
