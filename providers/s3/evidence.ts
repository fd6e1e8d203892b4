/** How much of a file the store has proved, and what it must say of it. README.md tells what each grade is worth. */
import { createHash } from 'node:crypto';
import { combineCrc } from '#core/crc.ts';
import { Fault } from '#core/fault.ts';
import type { Item } from '#core/ports/provider.ts';
import type { Evidence } from '#core/wire/transfer.ts';
import type { Seen } from './objects.ts';
import type { PartsSession } from './session.ts';
import type { PartTag } from './tags.ts';

export interface Grade {
  readonly evidence: Evidence;
  readonly checkedBy: string;
}

/** An ETag that is the MD5 of the parts' MD5s, and how many they are. */
const COMPOSITE = /^[0-9a-f]{32}-\d+$/;

/**
 * Follows from the session and the object alone, so that whoever looks later says the same: every receipt of a session has been
 * earned in the session's own way, and `finish` refuses what differs.
 */
export function gradeOf({ proof, copies }: PartsSession, { etag = '', crc64nvme }: Seen): Grade {
  if (!copies && proof === 'crc64nvme' && crc64nvme !== undefined) return { evidence: 'A', checkedBy: 'crc64nvme' };
  if (!copies && proof === 'md5' && COMPOSITE.test(etag)) return { evidence: 'B', checkedBy: 'etag' };
  return { evidence: 'C', checkedBy: 'size' };
}

/** What the store must say of the object when every part is as it was sent. */
export function expectationOf({ proof, copies }: PartsSession, item: Item, parts: readonly PartTag[]): Seen {
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  if (sizeBytes !== item.sizeBytes) {
    throw new Fault('bug', 's3.receipts', `the receipts are of ${sizeBytes} bytes, the file has ${item.sizeBytes}`);
  }
  if (copies || proof === 'size') return { sizeBytes };
  return proof === 'crc64nvme'
    ? { sizeBytes, crc64nvme: combinedCrc(parts) }
    : { sizeBytes, etag: compositeEtag(parts) };
}

/** What the store does not say, it does not contradict. */
export function isAsSent(expected: Seen, seen: Seen): boolean {
  const { etag = '' } = seen;
  return (
    (expected.crc64nvme === undefined || (seen.crc64nvme ?? expected.crc64nvme) === expected.crc64nvme) &&
    (expected.etag === undefined || !COMPOSITE.test(etag) || etag === expected.etag) &&
    (seen.sizeBytes ?? expected.sizeBytes) === expected.sizeBytes
  );
}

function combinedCrc(parts: readonly PartTag[]): string {
  const pieces = parts.map(({ crc64nvme, sizeBytes }) => {
    if (crc64nvme === undefined) throw new Fault('bug', 's3.receipts', 'a receipt lacks the CRC of its part');
    return { digest: Buffer.from(crc64nvme, 'base64'), sizeBytes };
  });
  return combineCrc('crc64nvme', pieces).toString('base64');
}

function compositeEtag(parts: readonly PartTag[]): string {
  const md5 = createHash('md5');
  for (const { etag } of parts) md5.update(etag, 'hex');
  return `${md5.digest('hex')}-${parts.length}`;
}
