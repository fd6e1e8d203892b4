/** The secret of a link: it comes in the address (`#drop=…`), is kept in this browser, and leaves the address at once. */

import { DROP_FRAGMENT, LinkSecret, SenderId } from '#core/wire/link.ts';
import { browserStore } from '../browser-store.ts';
import { newKey } from '../upload/surroundings.ts';

export interface DropAddress {
  /** The part of the secret that names the link: what is kept of it in this browser is kept under this. */
  readonly link: string;
  readonly secret: string;
}

/** A link's id, a point, 192 random bits in base64. */
const SECRET_LENGTH = 26 + 1 + 32;
const SECRET_KEY = 'entrepot.drop.';
const SENDER_KEY = 'entrepot.sender';

/**
 * What is left in the address, `#drop/<link>`, is no secret: with it a reload, a bookmark and the history of this browser lead
 * back to the page. Null: the address is not whole, or this browser does not know it.
 */
export function takeAddress(): DropAddress | null {
  const fresh = new URLSearchParams(location.hash.slice(1)).get(DROP_FRAGMENT);
  if (fresh === null) return keptAddress();
  const address = addressOf(fresh);
  if (address) browserStore.setItem(SECRET_KEY + address.link, address.secret);
  // Also one that is not whole has no business in pictures of the screen.
  history.replaceState(null, '', `${location.pathname}${location.search}#${DROP_FRAGMENT}/${address?.link ?? ''}`);
  return address;
}

/** Names this browser to the server, for all links: made once, and kept. */
export function senderId(): string {
  const kept = SenderId.safeParse(browserStore.getItem(SENDER_KEY));
  if (kept.success) return kept.data;
  const fresh = newKey();
  browserStore.setItem(SENDER_KEY, fresh);
  return fresh;
}

function keptAddress(): DropAddress | null {
  const link = location.hash.slice(`#${DROP_FRAGMENT}/`.length);
  return addressOf(browserStore.getItem(SECRET_KEY + link) ?? '');
}

function addressOf(text: string): DropAddress | null {
  // A full stop or a bracket that stood behind the address in a letter is no part of it.
  const secret = LinkSecret.safeParse(text.slice(0, SECRET_LENGTH));
  return secret.success ? { link: secret.data.split('.')[0] ?? '', secret: secret.data } : null;
}
