/** The key that a file gets, also when its name is taken. */
import { Fault } from '#core/fault.ts';
import type { Item } from '#core/ports/provider.ts';

const KEY_BYTES_MAX = 1023;

/** What follows the last dot is an extension only while it is short: `v1. The long story` has none. */
const EXTENSION_BYTES_MAX = 32;

/**
 * The key of the n-th name to try, n from 1: `name.ext`, `name (2).ext`, `name (3).ext` … Throws Fault `rejected`
 * `oss.key_too_long` beyond 1023 bytes, `oss.name_refused` for a key that would begin with a backslash.
 */
export function keyOf(prefix: string, { folder, name }: Pick<Item, 'folder' | 'name'>, n: number): string {
  const place = `${prefix}${folder === '/' ? '' : `${folder.replace(/^\/+/, '')}/`}`;
  const key = place + conflictName(name, n, KEY_BYTES_MAX - Buffer.byteLength(place));
  if (Buffer.byteLength(key) > KEY_BYTES_MAX) {
    throw new Fault('rejected', 'oss.key_too_long', 'prefix, folder and name have more than 1023 bytes together');
  }
  if (key.startsWith('\\')) {
    throw new Fault('rejected', 'oss.name_refused', 'OSS takes no key that begins with a backslash: choose a folder');
  }
  return key;
}

/** A stem that would make the name longer than `roomBytes` is shortened between code points. */
function conflictName(name: string, n: number, roomBytes: number): string {
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
