/** CompleteMultipartUpload, with the answers that it has beside success. */
import { CompleteMultipartUploadCommand } from '@aws-sdk/client-s3';
import { refusalOf, statusOf } from '#clients/s3/refusal.ts';
import { Fault } from '#core/fault.ts';
import { contentDiffers, s3Fault, sessionGone } from './faults.ts';
import type { Link } from './link.ts';
import { type Seen, seenIn } from './objects.ts';
import type { PartsSession, Proof } from './session.ts';
import type { NumberedTag } from './tags.ts';
import { listParts } from './uploads.ts';

/** `no-upload`: it was completed before, or given up. `taken`: something stands at the key, and may not be replaced. */
export type Completion =
  | { readonly kind: 'made'; readonly seen: Seen }
  | { readonly kind: 'no-upload' }
  | { readonly kind: 'taken' };

/** `claim` is of the whole object: a store that can compares it before the object exists. */
export interface Completing {
  readonly key: string;
  readonly session: PartsSession;
  readonly parts: readonly NumberedTag[];
  readonly claim: Seen;
}

/**
 * Faults: `gone` `s3.session_gone` when the store has lost a part or holds another one, `gone` `s3.content_differs`; `transient`
 * `s3.parts_settling` when it lists what it does not yet take.
 */
export async function completeUpload(link: Link, upload: Completing, signal: AbortSignal): Promise<Completion> {
  const isUnnamed = upload.parts.some(({ etag }) => etag === '');
  const first = isUnnamed ? await relisted(link, upload, signal) : upload.parts;
  if (first === null) return { kind: 'no-upload' };
  const done = await tryComplete(link, { ...upload, parts: first }, signal);
  if (done !== 'invalid-part') return done;
  const second = await relisted(link, upload, signal);
  if (second === null) return { kind: 'no-upload' };
  const isNews = second.some(({ etag }, index) => etag !== first[index]?.etag);
  const again = isNews ? await tryComplete(link, { ...upload, parts: second }, signal) : 'invalid-part';
  if (again !== 'invalid-part') return again;
  throw new Fault('transient', 's3.parts_settling', 'the store lists all parts, but does not find them yet');
}

async function tryComplete(
  link: Link,
  { key, session, parts, claim }: Completing,
  signal: AbortSignal,
): Promise<Completion | 'invalid-part'> {
  const { onConflict } = link.settings;
  const mayReplace = onConflict === 'replace' || link.learnt.conditionsAreRefused;
  const command = new CompleteMultipartUploadCommand({
    Bucket: link.bucket,
    Key: key,
    UploadId: session.uploadId,
    MultipartUpload: { Parts: parts.map(({ number, etag }) => ({ PartNumber: number, ETag: `"${etag}"` })) },
    ...(claim.crc64nvme === undefined ? {} : { ChecksumCRC64NVME: claim.crc64nvme, ChecksumType: 'FULL_OBJECT' }),
    ...(mayReplace ? {} : { IfNoneMatch: '*' }),
  });
  try {
    return { kind: 'made', seen: seenIn(await link.call(signal, (client, http) => client.send(command, http))) };
  } catch (error) {
    signal.throwIfAborted();
    const { name, status, matter } = refusalOf(error);
    if (name === 'InvalidPart') return 'invalid-part';
    if (statusOf(error) === 404 && matter !== 'no-bucket') return { kind: 'no-upload' };
    if (status === 412) return { kind: 'taken' };
    if (name === 'BadDigest') throw contentDiffers();
    if (!mayReplace && (status === 501 || name === 'InvalidArgument')) {
      link.learnt.conditionsAreRefused = true;
      return tryComplete(link, { key, session, parts, claim }, signal);
    }
    const fault = s3Fault(error, 'finishing the upload');
    // radosgw answers 500 when the upload is no more.
    const isThere = status < 500 || (await listParts(link, key, session.uploadId, { from: 1, to: 1 }, signal)) !== null;
    if (isThere) throw fault;
    return { kind: 'no-upload' };
  }
}

/** The same parts, named as the store names them now; null when there is no such upload. */
async function relisted(
  link: Link,
  { key, session, parts }: Completing,
  signal: AbortSignal,
): Promise<readonly NumberedTag[] | null> {
  const listed = await listParts(link, key, session.uploadId, { from: 1, to: parts.length }, signal);
  if (listed === null) return null;
  const byNumber = new Map(listed.map((part) => [part.number, part]));
  return parts.map((part) => {
    const there = byNumber.get(part.number);
    if (there === undefined || !isSamePart(session.proof, part, there)) throw sessionGone();
    return { ...part, etag: there.etag };
  });
}

/** A part that arrived twice may have another name than its receipt says; whether it is the same one, its digest tells. */
function isSamePart(proof: Proof, ours: NumberedTag, there: NumberedTag): boolean {
  if (there.sizeBytes !== ours.sizeBytes) return false;
  if (there.etag === ours.etag || proof === 'size') return true;
  return proof === 'crc64nvme' && there.crc64nvme !== undefined && there.crc64nvme === ours.crc64nvme;
}
