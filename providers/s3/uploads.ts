/** The life of a multipart upload but for its parts and its end. */
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  type ListPartsCommandOutput,
} from '@aws-sdk/client-s3';
import { refusalOf, statusOf } from '#clients/s3/refusal.ts';
import type { Item } from '#core/ports/provider.ts';
import { badAnswer, s3Fault } from './faults.ts';
import type { Link } from './link.ts';
import { markOf } from './objects.ts';
import { type NumberedTag, unquoted } from './tags.ts';

/** A CRC64NVME is always one of the whole object; stores that do not know it ignore the wish or refuse it. */
export type Checksums = 'crc64nvme' | 'none';

const PAGE_PARTS_MAX = 1000;

/** Answers the upload, and whether the store has taken the wish for checksums; one that it refuses is dropped. */
export async function beginUpload(
  link: Link,
  key: string,
  item: Partial<Pick<Item, 'contentType' | 'transferId'>>,
  checksums: Checksums,
  signal: AbortSignal,
): Promise<{ readonly uploadId: string; readonly checksums: Checksums }> {
  const wish = checksums === 'none' ? {} : ({ ChecksumAlgorithm: 'CRC64NVME', ChecksumType: 'FULL_OBJECT' } as const);
  const command = new CreateMultipartUploadCommand({
    Bucket: link.bucket,
    Key: key,
    ...(item.contentType === undefined ? {} : { ContentType: item.contentType }),
    ...(item.transferId === undefined ? {} : { Metadata: markOf(item.transferId) }),
    ...wish,
  });
  try {
    const answer = await link.call(signal, (client, http) => client.send(command, http));
    if (answer.UploadId === undefined) throw badAnswer('an upload without an id');
    return { uploadId: answer.UploadId, checksums: answer.ChecksumAlgorithm === 'CRC64NVME' ? 'crc64nvme' : 'none' };
  } catch (error) {
    signal.throwIfAborted();
    if (checksums === 'none' || refusalOf(error).matter !== 'refused') throw s3Fault(error, 'beginning an upload');
    return beginUpload(link, key, item, 'none', signal);
  }
}

/** Repeatable; what is gone already is fine. */
export async function abortUpload(link: Link, key: string, uploadId: string, signal: AbortSignal): Promise<void> {
  const command = new AbortMultipartUploadCommand({ Bucket: link.bucket, Key: key, UploadId: uploadId });
  try {
    await link.call(signal, (client, http) => client.send(command, http));
  } catch (error) {
    signal.throwIfAborted();
    if (statusOf(error) !== 404) throw s3Fault(error, 'giving up an upload: s3:AbortMultipartUpload');
  }
}

/** Parts `from` to `to`, ascending, both included; null when there is no such upload, be it finished or given up. */
export async function listParts(
  link: Link,
  key: string,
  uploadId: string,
  { from, to }: { readonly from: number; readonly to: number },
  signal: AbortSignal,
): Promise<readonly NumberedTag[] | null> {
  const found: NumberedTag[] = [];
  for (let after = from - 1; after < to; ) {
    const command = new ListPartsCommand({
      Bucket: link.bucket,
      Key: key,
      UploadId: uploadId,
      PartNumberMarker: String(after),
      MaxParts: Math.min(to - after, PAGE_PARTS_MAX),
    });
    const page = await link
      .call(signal, (client, http) => client.send(command, http))
      .catch((error: unknown) => {
        signal.throwIfAborted();
        // Some stores say that there is no such key.
        if (statusOf(error) === 404 && refusalOf(error).matter !== 'no-bucket') return null;
        throw s3Fault(error, 'listing parts: s3:ListMultipartUploadParts');
      });
    if (page === null) return null;
    const parts = partsOf(page);
    found.push(...parts.filter(({ number }) => number <= to));
    const last = Math.max(Number(page.NextPartNumberMarker ?? 0), parts.at(-1)?.number ?? 0);
    // Every page goes further than the one before, so that there are never more of them than parts.
    if (page.IsTruncated !== true || !(last > after)) break;
    after = last;
  }
  return found;
}

function partsOf({ Parts = [] }: ListPartsCommandOutput): readonly NumberedTag[] {
  return Parts.map(({ PartNumber: number, Size: sizeBytes, ETag: etag, ChecksumCRC64NVME: crc64nvme }) => {
    if (number === undefined || sizeBytes === undefined || etag === undefined) {
      throw badAnswer('a listed part without number, size or ETag');
    }
    return { number, sizeBytes, etag: unquoted(etag), ...(crc64nvme === undefined ? {} : { crc64nvme }) };
  });
}
