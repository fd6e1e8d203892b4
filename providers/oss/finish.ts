/** The end of a transfer: under its name at once and whole, and compared with what was sent. */
import { isOssError } from '#clients/oss/faults.ts';
import { listParts } from '#clients/oss/listing.ts';
import { abortUpload, completeUpload, type UploadName } from '#clients/oss/multipart.ts';
import { deleteObject, putObject } from '#clients/oss/objects.ts';
import { combineCrc } from '#core/crc.ts';
import { Fault } from '#core/fault.ts';
import type { Item, PartReceipt } from '#core/ports/provider.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import { type Link, look, markOf, nameTaken, receiptFor, told } from './link.ts';
import type { PartsSession } from './session.ts';
import { type PartTag, parseReceipt } from './tags.ts';

/** As many names as an empty file tries. */
const NAMES_MAX = 1_000;

/**
 * Repeatable at every point: an object of this transfer is known by the mark that it carries. Faults: `gone` when the upload is
 * no more and no object of ours stands there, when the name has been taken since, or when the object is not what was sent.
 */
export async function finishParts(
  to: Link,
  session: PartsSession,
  item: Item,
  receipts: readonly PartReceipt[],
  signal: AbortSignal,
): Promise<Receipt> {
  const key = to.keyOf(item, session.n);
  const upload = { key, uploadId: session.uploadId };
  const parts = receipts.map(parseReceipt);
  const summed = session.copies ? await askedFor(to, upload, parts, signal) : parts;
  const expected = summed === null ? item.digests.crc64 : crcOf(item, summed);
  const found = await complete(to, { ...upload, parts }, item, signal);
  if (expected === undefined || found === expected) {
    return receiptFor(to, item, key, { copies: session.copies, crc64: found });
  }
  const standing = await look(to, item, key, signal);
  if (standing?.isOurs) await told(signal, deleteObject(to.client, key, signal));
  throw new Fault('gone', 'oss.content_differs', 'OSS put together other bytes than we sent: it is sent again');
}

/** One request for each name that is tried; safe to repeat. */
export async function finishEmpty(to: Link, item: Item, signal: AbortSignal): Promise<Receipt> {
  for (let n = 1; n <= NAMES_MAX; n++) {
    const key = to.keyOf(item, n);
    const headers = { ...markOf(item), ...writeOnce(to) };
    const putting = putObject(to.client, { key, content: '', headers }, signal).then(
      () => 'put' as const,
      (error: unknown) => {
        if (isOssError(error, 'FileAlreadyExists')) return 'taken' as const;
        throw error;
      },
    );
    const isOurs = (await told(signal, putting)) === 'put' || (await look(to, item, key, signal))?.isOurs;
    if (isOurs) return receiptFor(to, item, key, { copies: false });
    if (to.settings.onConflict === 'fail') throw nameTaken();
  }
  throw nameTaken();
}

/**
 * The parts with the sums that OSS has of them; null when it does not tell them, or when the upload is no more, which may be
 * because it is complete.
 */
async function askedFor(
  to: Link,
  upload: UploadName,
  parts: readonly PartTag[],
  signal: AbortSignal,
): Promise<readonly PartTag[] | null> {
  const listing = listParts(to.client, upload, { from: 1, to: parts.length }, signal).catch((error: unknown) => {
    if (isOssError(error, 'NoSuchUpload')) return null;
    throw error;
  });
  const listed = await told(signal, listing);
  const isAsPut = (part: PartTag) => listed?.[part.number - 1]?.md5 === part.md5;
  if (listed !== null && !parts.every(isAsPut)) throw partsLost();
  // Without their CRCs there is nothing to put together.
  return listed?.every(({ crc64 }) => crc64 !== '') ? listed : null;
}

/** The CRC-64 of what stands there, which is ours. */
async function complete(
  to: Link,
  { parts, ...upload }: UploadName & { readonly parts: readonly PartTag[] },
  item: Item,
  signal: AbortSignal,
): Promise<string | null> {
  const refused: string[] = [];
  const completed = await told(
    signal,
    completeUpload(to.client, { ...upload, parts, headers: writeOnce(to) }, signal).catch((error: unknown) => {
      if (!isOssError(error, 'NoSuchUpload', 'FileAlreadyExists', 'InvalidPart')) throw error;
      refused.push(error.code);
      return null;
    }),
  );
  if (completed !== null && completed.crc64 !== null) return completed.crc64;
  const standing = await look(to, item, upload.key, signal);
  // An answer was lost, and the end that we do not know of was our own.
  if (standing?.isOurs) return standing.crc64;
  if (!refused.includes('FileAlreadyExists')) throw partsLost();
  if (to.settings.onConflict === 'fail') throw nameTaken();
  // An upload is bound to its name.
  await told(signal, abortUpload(to.client, upload, signal));
  throw new Fault('gone', 'oss.name_taken', 'the name was taken while the file was sent: it is sent under another one');
}

function writeOnce({ settings }: Link): Record<string, string> {
  return settings.onConflict === 'replace' ? {} : { 'x-oss-forbid-overwrite': 'true' };
}

/** Of the whole, in hex, from the parts' own. Throws when they are not all of the file, or not the file that was announced. */
function crcOf(item: Item, parts: readonly PartTag[]): string {
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  if (sizeBytes !== item.sizeBytes) {
    throw new Fault('bug', 'oss.receipts', `the receipts are of ${sizeBytes} bytes, the file has ${item.sizeBytes}`);
  }
  const pieces = parts.map((part) => ({ digest: Buffer.from(part.crc64, 'hex'), sizeBytes: part.sizeBytes }));
  const crc64 = combineCrc('crc64', pieces).toString('hex');
  if (item.digests.crc64 !== undefined && item.digests.crc64 !== crc64) {
    throw new Fault(
      'rejected',
      'oss.digest_mismatch',
      'the bytes that arrived are not those of the CRC-64 that was announced',
    );
  }
  return crc64;
}

function partsLost(): Fault {
  return new Fault(
    'gone',
    'oss.session_gone',
    'the unfinished upload or a part of it is no longer there: it is sent again',
  );
}
