/** Names beside the target: the unfinished file's, and the ones tried when the wanted name is taken. */
import type { TransferId } from '#core/wire/ids.ts';

/** What ext4, xfs, btrfs, NTFS and exFAT share (exFAT and NTFS count UTF-16 units, which are never more). */
const NAME_MAX_BYTES = 255;

/** What follows the last dot is an extension only while it is short: `v1. The long story` has none. */
const EXTENSION_MAX_BYTES = 32;

/** 45 bytes. The same for every attempt of a transfer, so that an opening whose answer was lost leaves nothing behind. */
export function tempName(transferId: TransferId): string {
  return `.entrepot-${transferId}.part`;
}

export function isTempName(name: string): boolean {
  return /^\.entrepot-trf_.*\.part$/.test(name);
}

/**
 * The n-th name to try, n from 1: `name.ext`, `name (2).ext`, `name (3).ext` … A stem that would make the name longer than
 * 255 bytes is shortened between code points.
 */
export function conflictName(name: string, n: number): string {
  if (n === 1) return name;
  const { stem, extension } = split(name);
  const tail = ` (${n})${extension}`;
  return `${shorten(stem, NAME_MAX_BYTES - Buffer.byteLength(tail))}${tail}`;
}

function split(name: string): { readonly stem: string; readonly extension: string } {
  const dot = name.lastIndexOf('.');
  // A leading dot hides a file, it does not begin an extension.
  if (dot <= 0 || Buffer.byteLength(name.slice(dot)) > EXTENSION_MAX_BYTES) return { stem: name, extension: '' };
  return { stem: name.slice(0, dot), extension: name.slice(dot) };
}

function shorten(text: string, maxBytes: number): string {
  let bytes = 0;
  let end = 0;
  for (const point of text) {
    bytes += Buffer.byteLength(point);
    if (bytes > maxBytes) break;
    end += point.length;
  }
  return text.slice(0, end);
}
