/** What proves to 115 that an announcement is one of its own programs': a signature with the user's key, and a token. */
import { createHash } from 'node:crypto';
import type { Signature } from '../sign.ts';

export interface SignedFile {
  readonly userId: string;
  /** SHA-1, upper-case hex. */
  readonly fileId: string;
  readonly sizeBytes: number;
  readonly target: string;
}

/** Found in 115's programs by others; a new release may change it. */
const TOKEN_SALT = 'Qclm8MGWUv59TnrR0XPg';

/** Upper-case hex. */
export function announcementSig({ userId, fileId, target }: SignedFile, userKey: string): string {
  const inner = sha1(`${userId}${fileId}${target}0`);
  return sha1(`${userKey}${inner}000000`).toUpperCase();
}

/** Lower-case hex. `t` as in the form and in `k_ec`; `signature` from the second round on. */
export function announcementToken(
  { userId, fileId, sizeBytes }: SignedFile,
  {
    t,
    appVersion,
    signature,
  }: { readonly t: number; readonly appVersion: string; readonly signature?: Signature | undefined },
): string {
  const { signKey, signVal } = signature ?? { signKey: '', signVal: '' };
  return md5(`${TOKEN_SALT}${fileId}${sizeBytes}${signKey}${signVal}${userId}${t}${md5(userId)}${appVersion}`);
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
