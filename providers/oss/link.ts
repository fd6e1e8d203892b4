/** The way to one bucket, and what stands in it. */
import { type OssClient, ossClient } from '#clients/oss/client.ts';
import { ossFault } from '#clients/oss/faults.ts';
import { headObject, type ObjectHead } from '#clients/oss/objects.ts';
import { Fault } from '#core/fault.ts';
import type { Connection, StagingPlace } from '#core/ports/connection.ts';
import type { Item } from '#core/ports/provider.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import { keyOf } from './keys.ts';
import type { OssKeys, OssSettings } from './settings.ts';

export interface Link {
  readonly settings: OssSettings;
  readonly client: OssClient;
  readonly staging: StagingPlace;
  /** Known to this process only: null until it was tried whether OSS copies from the staging bucket with these keys. */
  readonly learnt: { mayCopy: boolean | null };
  /** The key of the n-th name of the item. Throws Fault `rejected` `oss.key_too_long` or `oss.name_refused`. */
  keyOf(item: Item, n: number): string;
}

export interface Standing extends ObjectHead {
  readonly isOurs: boolean;
}

export function link({ settings, credentials, staging }: Connection<OssSettings, OssKeys>): Link {
  const { endpoint, region, bucket, forcePathStyle, prefix } = settings;
  const client = ossClient({
    endpoint,
    region,
    bucket,
    forcePathStyle,
    // Read each time: a person may have given new ones since.
    credentials: async () => {
      const { stsToken, ...keys } = await credentials.read();
      return stsToken === undefined ? keys : { ...keys, stsToken };
    },
  });
  return { settings, client, staging, learnt: { mayCopy: null }, keyOf: (item, n) => keyOf(prefix, item, n) };
}

/** The object carries the transfer's id, so that one that was finished is known again. */
export function markOf({ transferId, contentType }: Item): Record<string, string> {
  return { 'content-type': contentType ?? 'application/octet-stream', [`x-oss-meta-${MARK}`]: transferId };
}

/** Null where nothing stands. One request. */
export async function look({ client }: Link, item: Item, key: string, signal: AbortSignal): Promise<Standing | null> {
  const head = await told(signal, headObject(client, key, signal));
  return head && { ...head, isOurs: head.meta[MARK] === item.transferId && head.sizeBytes === item.sizeBytes };
}

/** The answer of a call, or the Fault that its failure is, or the signal's reason. */
export async function told<T>(signal: AbortSignal, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    signal.throwIfAborted();
    throw ossFault(error, 'oss', 'the OSS bucket');
  }
}

/**
 * Evidence A: every byte is in a CRC-64 that OSS computed too. C where OSS copied the bytes by itself and nobody told what they should
 * be. README.md says how.
 */
export function receiptFor(
  { settings }: Link,
  item: Item,
  key: string,
  { copies, crc64 }: { readonly copies: boolean; readonly crc64?: string | null },
): Receipt {
  const isProven = !copies || item.digests.crc64 !== undefined;
  return {
    ...(isProven ? PROVEN : COPIED),
    sizeBytes: item.sizeBytes,
    location: `oss://${settings.bucket}/${key}`,
    ...(item.sizeBytes > 0 && crc64?.length === CRC_DIGITS ? { told: { crc64 } } : {}),
  };
}

export function nameTaken(): Fault {
  return new Fault(
    'rejected',
    'oss.exists',
    'an object of this name is already there: move it away or choose another rule for conflicts, then press retry',
  );
}

const PROVEN = { evidence: 'A', checkedBy: 'crc64' } as const;
const COPIED = { evidence: 'C', checkedBy: 'size' } as const;

/** Of 64 bits in hex; what OSS tells is a decimal number of any length. */
const CRC_DIGITS = 16;
const MARK = 'entrepot-transfer';
