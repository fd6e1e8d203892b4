/** What a receipt says of a part: its sums and its size. */
import type { OssPart } from '#clients/oss/multipart.ts';
import { Fault } from '#core/fault.ts';
import type { PartReceipt } from '#core/ports/provider.ts';

/** `crc64` is empty in a session with copies: OSS is asked for it at the end. */
export type PartTag = OssPart;

/** `md5;crc64;size`, in hex, the size in base 36: 57 bytes at most. */
export function formatTag({ md5, crc64, sizeBytes }: Omit<PartTag, 'number'>): string {
  return `${md5};${crc64};${sizeBytes.toString(36)}`;
}

export function parseReceipt({ number, tag }: PartReceipt): PartTag {
  const [, md5, crc64, size] = /^([0-9a-f]{32});([0-9a-f]{16}|);([0-9a-z]{1,7})$/.exec(tag) ?? [];
  if (md5 === undefined || crc64 === undefined || size === undefined) {
    throw new Fault('bug', 'oss.bad_tag', 'a receipt of a part is not what this driver writes');
  }
  return { number, md5, crc64, sizeBytes: Number.parseInt(size, 36) };
}
