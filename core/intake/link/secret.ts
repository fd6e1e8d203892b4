/** Secrets of links, and keys of senders: what is kept of them is a hash. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { LinkId } from '#core/wire/ids.ts';
import { LinkSecret } from '#core/wire/link.ts';

/** Of a secret's random part: 192 bits, which nobody guesses. */
export const SECRET_BYTES = 24;

/** `random` is of `SECRET_BYTES` bytes. The id is in it, so that its cell is found without a list of hashes. */
export function secretOf(id: LinkId, random: Uint8Array): string {
  return `${id.slice('lnk_'.length)}.${Buffer.from(random).toString('base64url')}`;
}

/** Null for what is no secret of ours. */
export function linkIdIn(secret: string): LinkId | null {
  return LinkSecret.safeParse(secret).success ? LinkId.parse(`lnk_${secret.split('.')[0]}`) : null;
}

export function hashOf(secret: string): string {
  return digest('secret', secret).toString('hex');
}

/** `hash` null: there is no such link, which takes as long to say. */
export function isSecret(secret: string, hash: string | null): boolean {
  const given = digest('secret', secret);
  const kept = Buffer.from(hash ?? '', 'hex');
  const isComparable = kept.length === given.length;
  return timingSafeEqual(given, isComparable ? kept : Buffer.alloc(given.length)) && isComparable;
}

/** Of a sender, for rows: from it nobody gets back to the id that the sender's browser keeps. */
export function senderKeyOf(linkId: LinkId, senderId: string): string {
  return digest(`sender ${linkId}`, senderId).toString('base64url').slice(0, 22);
}

function digest(what: string, text: string): Buffer {
  return createHash('sha256').update(`link ${what} v1\n${text}`).digest();
}
