/** A part that the store copies by itself from the staging bucket, when all of it lies in one staged object. */
import { HeadObjectCommand, UploadPartCopyCommand } from '@aws-sdk/client-s3';
import { refusalOf, told } from '#clients/s3/refusal.ts';
import { Fault } from '#core/fault.ts';
import type { PartBody, Span } from '#core/ports/provider.ts';
import { badAnswer, s3Fault, sessionGone } from './faults.ts';
import type { Link } from './link.ts';
import type { PartTarget, SentPart } from './send-part.ts';
import { PART_BYTES_MIN } from './settings.ts';
import { unquoted } from './tags.ts';

/**
 * The one span of a part that is worth a copy; S3 itself copies no range of an object below 5 MiB. A name with a percent sign is
 * streamed: radosgw 16 decodes the name of a part's source twice, so that it copies another object, or dies of what it reads.
 */
export function copyableSpan({ spans, sizeBytes }: PartBody): Span | null {
  const [span, ...others] = spans;
  const isWorthIt = span !== undefined && others.length === 0 && sizeBytes >= PART_BYTES_MIN;
  return isWorthIt && !span.key.includes('%') ? span : null;
}

/**
 * Null when the store will not copy: then the part is to be streamed, and where the reason holds for every part, no copy is tried
 * again. The copy is bound to the staged version: Fault `gone` `staging.changed` when the object has another content or none.
 */
export async function copyPart(
  link: Link,
  to: PartTarget,
  { key, version, range }: Span,
  signal: AbortSignal,
): Promise<SentPart | null> {
  const command = new UploadPartCopyCommand({
    Bucket: link.bucket,
    Key: to.key,
    UploadId: to.uploadId,
    PartNumber: to.number,
    CopySource: `${link.staging.bucket}/${key.split('/').map(encodeURIComponent).join('/')}`,
    CopySourceRange: `bytes=${range.start}-${range.end - 1}`,
    CopySourceIfMatch: `"${version}"`,
  });
  try {
    const { CopyPartResult: made } = await link.call(signal, (client, http) => client.send(command, http));
    if (made?.ETag === undefined) throw badAnswer('a copied part without an ETag');
    const { ChecksumCRC64NVME: crc64nvme } = made;
    const copied = { etag: unquoted(made.ETag), ...(crc64nvme === undefined ? {} : { crc64nvme }) };
    // A whole object, copied as it is, has kept its name for its content.
    if (copied.etag !== version) await expectUnchanged(link, key, version, signal);
    return copied;
  } catch (error) {
    signal.throwIfAborted();
    return refused(link, error);
  }
}

/** Asked afterwards, because radosgw 16 copies without a look at the condition. */
async function expectUnchanged(link: Link, key: string, version: string, signal: AbortSignal): Promise<void> {
  const command = new HeadObjectCommand({ Bucket: link.staging.bucket, Key: key });
  const { ETag: etag = '' } = await link.call(signal, (client, http) => client.send(command, http));
  if (unquoted(etag) !== version) throw changed();
}

function changed(cause?: unknown): Fault {
  return new Fault('gone', 'staging.changed', 'the staged object has been replaced or removed', { cause: told(cause) });
}

function refused(link: Link, error: unknown): null {
  if (error instanceof Fault) throw error;
  const { name, status, matter } = refusalOf(error);
  if (name === 'NoSuchUpload') throw sessionGone(error);
  if (status === 412) throw changed(error);
  const isForGood = matter === 'denied' || status === 501 || status === 405;
  // Not found: the staged object, or on some stores the upload. Whoever streams the part finds out.
  if (!isForGood && matter !== 'refused') throw s3Fault(error, 'copying a part');
  link.learnt.copyingIsRefused ||= isForGood;
  return null;
}
