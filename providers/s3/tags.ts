/** What a receipt says of a part: its ETag, its size, and its CRC where the store keeps one. */
import { Fault } from '#core/fault.ts';

export interface PartTag {
  /** Empty where it is too long to be kept: it is asked for again before the end. */
  readonly etag: string;
  readonly sizeBytes: number;
  /** Base64. */
  readonly crc64nvme?: string;
}

/** A part as the end of the upload names it. */
export interface NumberedTag extends PartTag {
  readonly number: number;
}

/** 80 are kept of a part; 12 of a CRC, 7 of a size up to 5 GiB, and what is between them. */
const ETAG_BYTES_MAX = 80 - 12 - 7 - 2;

/** `etag;size;crc`, the size in base 36. */
export function formatTag({ etag, sizeBytes, crc64nvme }: PartTag): string {
  const kept = Buffer.byteLength(etag) <= ETAG_BYTES_MAX && !etag.includes(';') ? etag : '';
  return [kept, sizeBytes.toString(36), ...(crc64nvme === undefined ? [] : [crc64nvme])].join(';');
}

export function parseTag(tag: string): PartTag {
  const [, etag, size, crc64nvme] = /^([^;]*);([0-9a-z]+)(?:;([A-Za-z0-9+/=]+))?$/.exec(tag) ?? [];
  if (etag === undefined || size === undefined) {
    throw new Fault('bug', 's3.bad_tag', 'a receipt of a part is not what this driver writes');
  }
  return { etag, sizeBytes: Number.parseInt(size, 36), ...(crc64nvme === undefined ? {} : { crc64nvme }) };
}

export function unquoted(etag: string): string {
  return etag.replace(/^(?:W\/)?"|"$/g, '');
}
