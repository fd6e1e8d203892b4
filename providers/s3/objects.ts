/** What stands at a key, and whether it is this transfer's: the object carries the transfer's id. */
import { DeleteObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { refusalOf, statusOf } from '#clients/s3/refusal.ts';
import type { Item } from '#core/ports/provider.ts';
import type { TransferId } from '#core/wire/ids.ts';
import { s3Fault } from './faults.ts';
import type { Link } from './link.ts';
import { unquoted } from './tags.ts';

/** What the store says of a finished object. */
export interface Seen {
  readonly etag?: string;
  /** Base64, of the whole object. */
  readonly crc64nvme?: string;
  readonly sizeBytes?: number;
}

export interface Standing extends Seen {
  /** Of this transfer, in whatever state. */
  readonly isMarked: boolean;
  /** Of this transfer, and of the size that it should have. */
  readonly isOurs: boolean;
}

/** Lower-case, as HTTP gives it back. */
const MARK = 'entrepot-transfer';

/** Given to the store when an object is begun. */
export function markOf(transferId: TransferId): Record<string, string> {
  return { [MARK]: transferId };
}

/** Null where nothing stands. One request. */
export async function look(link: Link, item: Item, key: string, signal: AbortSignal): Promise<Standing | null> {
  const command = new HeadObjectCommand({ Bucket: link.bucket, Key: key, ChecksumMode: 'ENABLED' });
  const answer = await link
    .call(signal, (client, http) => client.send(command, http))
    .catch((error: unknown) => {
      signal.throwIfAborted();
      if (statusOf(error) === 404) return null;
      throw s3Fault(error, 'looking at the name');
    });
  if (answer === null) return null;
  const isMarked = answer.Metadata?.[MARK] === item.transferId;
  return {
    isMarked,
    isOurs: isMarked && answer.ContentLength === item.sizeBytes,
    ...seenIn(answer),
    ...(answer.ContentLength === undefined ? {} : { sizeBytes: answer.ContentLength }),
  };
}

export function seenIn(answer: {
  readonly ETag?: string | undefined;
  readonly ChecksumCRC64NVME?: string | undefined;
}): Seen {
  const { ETag: etag, ChecksumCRC64NVME: crc64nvme } = answer;
  return {
    // radosgw 16 answers the end of an upload with an empty one.
    ...(etag === undefined || etag === '' ? {} : { etag: unquoted(etag) }),
    ...(crc64nvme === undefined ? {} : { crc64nvme }),
  };
}

/** Removes an object of ours that is not what it should be, and only that one. A store that will not leaves it. */
export async function removeDamaged(link: Link, item: Item, key: string, signal: AbortSignal): Promise<void> {
  // Asked anew: not every store keeps the condition.
  const standing = await look(link, item, key, signal);
  if (!standing?.isMarked || standing.etag === undefined) return;
  const command = new DeleteObjectCommand({ Bucket: link.bucket, Key: key, IfMatch: `"${standing.etag}"` });
  try {
    await link.call(signal, (client, http) => client.send(command, http));
  } catch (error) {
    signal.throwIfAborted();
    const { matter } = refusalOf(error);
    if (matter === 'unreachable' || matter === 'slow-down') throw s3Fault(error, 'removing a damaged object');
  }
}
