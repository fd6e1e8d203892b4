/** The key that a file gets, also when its name is taken. */
import { conflictName } from '#core/conflict-name.ts';
import { Fault } from '#core/fault.ts';
import type { Item } from '#core/ports/provider.ts';

const KEY_BYTES_MAX = 1023;

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
