/** The beginning of a transfer: under which name, and an upload for its parts. */
import { listUploads } from '#clients/oss/listing.ts';
import { abortUpload, beginUpload } from '#clients/oss/multipart.ts';
import type { Item, Opening } from '#core/ports/provider.ts';
import { mayCopy, mightCopy } from './copy.ts';
import { type Link, look, markOf, nameTaken, receiptFor, told } from './link.ts';
import type { OssSession } from './session.ts';

/** A folder with this many files of one name has a loop somewhere, not a reader. */
const NAMES_MAX = 1_000;

/** What can be refused before a byte is sent is refused here: a name too long, one that is taken, keys that may not write. */
export async function open(to: Link, item: Item, signal: AbortSignal): Promise<Opening<OssSession>> {
  const { onConflict } = to.settings;
  for (let n = 1; n <= NAMES_MAX; n++) {
    const key = to.keyOf(item, n);
    const standing = onConflict === 'replace' ? null : await look(to, item, key, signal);
    // How it came there is not known any more.
    if (standing?.isOurs) {
      return { kind: 'done', receipt: receiptFor(to, item, key, { copies: mightCopy(to), crc64: standing.crc64 }) };
    }
    if (standing !== null && onConflict === 'fail') throw nameTaken();
    if (standing !== null) continue;
    // Which name an empty file gets is settled when it is put: that needs no upload to hold on to.
    if (item.sizeBytes === 0) return { kind: 'ready', session: { v: 1, kind: 'empty' } };
    const copies = await mayCopy(to, signal);
    const uploadId = await begin(to, item, key, signal);
    if (uploadId !== null) return { kind: 'ready', session: { v: 1, kind: 'parts', n, uploadId, copies } };
  }
  throw nameTaken();
}

/** Null when another upload of the key was there first: of two files of one name each gets one of its own. */
async function begin(to: Link, item: Item, key: string, signal: AbortSignal): Promise<string | null> {
  const { client, settings } = to;
  const uploadId = await told(signal, beginUpload(client, { key, headers: markOf(item), order: 'any' }, signal));
  if (settings.onConflict !== 'rename') return uploadId;
  const uploads = await told(signal, listUploads(client, key, signal));
  const [first] = uploads.toSorted((a, b) => a.begunAtMs - b.begunAtMs || (a.uploadId < b.uploadId ? -1 : 1));
  if (first === undefined || first.uploadId === uploadId) return uploadId;
  await told(signal, abortUpload(client, { key, uploadId }, signal));
  return null;
}
