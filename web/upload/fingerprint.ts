/** Whether the file at hand is the file an upload was begun with, without reading all of it. */
import * as z from 'zod';

/** Bytes read at the head, in the middle and at the tail. */
const SLICE_BYTES = 64 * 1024;

export const Fingerprint = z.object({
  sizeBytes: z.int().min(0),
  lastModifiedMs: z.number(),
  /** SHA-256, lower-case hex, over the three slices one after the other; the whole file when it is no longer than they. */
  sha256: z.string(),
});
export type Fingerprint = z.infer<typeof Fingerprint>;

/** How two fingerprints differ, or null when they are of the same file. */
export type Difference = 'size' | 'modified' | 'content' | null;

/** Reads 192 KiB at most. Rejects with the browser's `NotReadableError` when the file changed or went since it was picked. */
export async function fingerprint(file: File): Promise<Fingerprint> {
  const bytes = await readSlices(file);
  return { sizeBytes: file.size, lastModifiedMs: file.lastModified, sha256: await sha256(bytes) };
}

/**
 * A later change date with equal slices counts as a difference: the bytes between the slices may have changed, and a
 * file put together from two versions is worse than one sent again.
 */
export function difference(first: Fingerprint, second: Fingerprint): Difference {
  if (first.sizeBytes !== second.sizeBytes) return 'size';
  if (first.sha256 !== second.sha256) return 'content';
  return first.lastModifiedMs === second.lastModifiedMs ? null : 'modified';
}

async function readSlices(file: File): Promise<Uint8Array<ArrayBuffer>> {
  if (file.size <= 3 * SLICE_BYTES) return new Uint8Array(await file.slice(0, file.size, '').arrayBuffer());
  const middle = Math.floor((file.size - SLICE_BYTES) / 2);
  const starts = [0, middle, file.size - SLICE_BYTES];
  const slices = starts.map((start) => file.slice(start, start + SLICE_BYTES, ''));
  return new Uint8Array(await new Blob(slices).arrayBuffer());
}

/** WebCrypto is missing on plain-http pages of other hosts than localhost: a NAS in the house is such a page. */
async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  if (globalThis.crypto.subtle === undefined) return (await import('hash-wasm')).sha256(bytes);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
