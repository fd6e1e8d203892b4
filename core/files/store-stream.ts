/** A stream of unknown length into the bucket, with no more than two pieces of it in memory. */
import { Fault } from '#core/fault.ts';
import type { Files } from '#core/ports/files.ts';
import type { StoredPart, StoreUpload } from '#core/ports/multipart.ts';
import { noteBegun, noteEnded, type UnfinishedPorts } from './unfinished.ts';

export interface StreamTarget {
  readonly key: string;
  readonly contentType: string;
  readonly sizeBytesMax: number;
}

/** More than any store's least for a part, and one request for small files. */
const PIECE_BYTES = 8 * 1024 * 1024;

/** Fault `rejected` `file.too_large` beyond the most; after any error nothing of the file is there that was not there before. */
export async function storeStream(
  ports: UnfinishedPorts & { readonly files: Files },
  { key, contentType, sizeBytesMax }: StreamTarget,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  const { files, multipart } = ports;
  let upload: StoreUpload | null = null;
  const parts: StoredPart[] = [];
  try {
    for await (const { bytes, isLast } of pieces(body, sizeBytesMax)) {
      if (isLast && upload === null) return await files.put({ key, contentType }, bytes);
      upload ??= await begin(ports, { key, contentType });
      const number = parts.length + 1;
      const { tag } = await files.putPart({ ...upload, number }, bytes);
      parts.push({ number, tag, sizeBytes: bytes.byteLength });
    }
    if (upload === null) throw new Fault('bug', 'file.no_pieces', 'a stream has at least one piece');
    if ((await multipart.complete(upload, parts)) === 'gone') {
      throw new Fault('transient', 'file.upload_gone', 'the bucket no longer knows the unfinished file: send it again');
    }
    await noteEnded(ports, key);
  } catch (error) {
    if (upload !== null) await giveUp(ports, upload);
    throw error;
  }
}

async function begin(ports: UnfinishedPorts, file: Pick<StreamTarget, 'key' | 'contentType'>): Promise<StoreUpload> {
  await noteBegun(ports, file.key);
  return { key: file.key, storeId: (await ports.multipart.create(file)).storeId };
}

async function giveUp(ports: UnfinishedPorts, upload: StoreUpload): Promise<void> {
  try {
    await ports.multipart.abort(upload);
  } catch {
    // What went wrong first is what is told; the sweep tries this again.
    return;
  }
  await noteEnded(ports, upload.key);
}

/** At least one, the last of which may be empty only when it is the first. */
async function* pieces(body: AsyncIterable<Uint8Array>, sizeBytesMax: number) {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let totalBytes = 0;
  for await (const bytes of body) {
    totalBytes += bytes.byteLength;
    if (totalBytes > sizeBytesMax) {
      throw new Fault(
        'rejected',
        'file.too_large',
        `a file has at most ${sizeBytesMax} bytes here: ask for an upload URL`,
      );
    }
    // What arrives may be a view of memory that is used again.
    held.push(bytes.slice());
    heldBytes += bytes.byteLength;
    if (heldBytes < PIECE_BYTES) continue;
    const whole = joined(held, heldBytes);
    // Before it is sent, which takes long.
    held = [];
    heldBytes = 0;
    yield { bytes: whole, isLast: false };
  }
  if (heldBytes > 0 || totalBytes === 0) yield { bytes: joined(held, heldBytes), isLast: true };
}

function joined(pieces: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  const all = new Uint8Array(sizeBytes);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.byteLength;
  }
  return all;
}
