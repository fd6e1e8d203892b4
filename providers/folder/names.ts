/** Names beside the target: the unfinished file's, and the ones tried when the wanted name is taken. */
import { conflictName as numbered } from '#core/conflict-name.ts';
import type { TransferId } from '#core/wire/ids.ts';

/** What ext4, xfs, btrfs, NTFS and exFAT share (exFAT and NTFS count UTF-16 units, which are never more). */
const NAME_MAX_BYTES = 255;

/** 45 bytes. The same for every attempt of a transfer, so that an opening whose answer was lost leaves nothing behind. */
export function tempName(transferId: TransferId): string {
  return `.entrepot-${transferId}.part`;
}

export function isTempName(name: string): boolean {
  return /^\.entrepot-trf_.*\.part$/.test(name);
}

/** The n-th name to try, n from 1, no longer than file systems take. */
export function conflictName(name: string, n: number): string {
  return numbered(name, n, NAME_MAX_BYTES);
}
