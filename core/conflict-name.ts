/** The names that are tried when the wanted one is taken. */

/** What follows the last dot is an extension only while it is short: `v1. The long story` has none. */
const EXTENSION_BYTES_MAX = 32;

/**
 * The n-th name to try, n from 1: `name.ext`, `name (2).ext`, `name (3).ext` … A stem that would make a numbered name longer than
 * `roomBytes` of UTF-8 is shortened between code points; the first name is never changed.
 */
export function conflictName(name: string, n: number, roomBytes: number): string {
  if (n === 1) return name;
  const dot = name.lastIndexOf('.');
  // A leading dot hides a file, it does not begin an extension.
  const isExtension = dot > 0 && Buffer.byteLength(name.slice(dot)) <= EXTENSION_BYTES_MAX;
  const stem = isExtension ? name.slice(0, dot) : name;
  const tail = ` (${n})${isExtension ? name.slice(dot) : ''}`;
  return `${shorten(stem, roomBytes - Buffer.byteLength(tail))}${tail}`;
}

function shorten(text: string, bytesMax: number): string {
  let bytes = 0;
  let end = 0;
  for (const point of text) {
    bytes += Buffer.byteLength(point);
    if (bytes > bytesMax) break;
    end += point.length;
  }
  return text.slice(0, end);
}
