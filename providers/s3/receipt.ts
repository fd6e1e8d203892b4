/** What a finished transfer says of itself. */
import type { Item } from '#core/ports/provider.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import { type Grade, gradeOf } from './evidence.ts';
import type { Link } from './link.ts';
import type { Seen } from './objects.ts';
import type { S3Session } from './session.ts';

/** Of an empty file the size is all there is to prove. */
const EMPTY: Grade = { evidence: 'A', checkedBy: 'size' };

/** Eight bytes in base64: of the whole, where one of parts would have their number behind it. */
const CRC = /^[\w+/]{11}=$/;

/** `remoteId` is the object's ETag. */
export function receiptFor(link: Link, session: S3Session, item: Item, key: string, seen: Seen): Receipt {
  return {
    ...(session.kind === 'empty' ? EMPTY : gradeOf(session, seen)),
    sizeBytes: item.sizeBytes,
    location: `s3://${link.bucket}/${key}`,
    ...(seen.etag === undefined ? {} : { remoteId: seen.etag.slice(0, 256) }),
    ...(session.kind === 'empty' ? {} : toldOf(seen)),
  };
}

function toldOf({ crc64nvme = '' }: Seen): Pick<Receipt, 'told'> {
  return CRC.test(crc64nvme) ? { told: { crc64nvme: Buffer.from(crc64nvme, 'base64').toString('hex') } } : {};
}
