/** The key that a file gets, also when its name is taken. */
import { conflictName } from '#core/conflict-name.ts';
import { Fault } from '#core/fault.ts';
import type { Item } from '#core/ports/provider.ts';

const KEY_BYTES_MAX = 1024;

/**
 * The key of the n-th name to try, n from 1: `name.ext`, `name (2).ext`, `name (3).ext` … Names are taken to the letter: `..`
 * is a name like any other in a bucket. Throws Fault `rejected` `s3.key_too_long` beyond 1024 bytes.
 */
export function keyOf(prefix: string, { folder, name }: Pick<Item, 'folder' | 'name'>, n: number): string {
  const place = `${prefix}${folder === '/' ? '' : `${folder.replace(/^\/+/, '')}/`}`;
  const roomBytes = KEY_BYTES_MAX - Buffer.byteLength(place);
  const key = place + conflictName(name, n, roomBytes);
  if (Buffer.byteLength(key) > KEY_BYTES_MAX) {
    throw new Fault('rejected', 's3.key_too_long', 'prefix, folder and name have more than 1024 bytes together');
  }
  return key;
}
