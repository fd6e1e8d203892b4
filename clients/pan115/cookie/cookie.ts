/** The cookie of a browser that is logged in to 115, as a person pastes it. */
import { Fault } from '#core/fault.ts';

export interface Cookie {
  /** The header, without anything that is not 115's login. */
  readonly header: string;
  readonly userId: string;
}

const NEEDED = ['UID', 'CID', 'SEID'];
const NAMES = [...NEEDED, 'KID'];

/** Takes line ends and a `;` at the end, which 115 refuses. Throws Fault `auth` `pan115.bad_cookie`. */
export function readCookie(pasted: string): Cookie {
  const values = new Map<string, string>();
  for (const pair of pasted.replace(/^\s*cookie:/i, '').split(/[;\r\n]+/)) {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, equals)).trim().toUpperCase();
    const value = pair.slice(equals + 1).trim();
    if (NAMES.includes(name) && /^[\x21-\x7e]{1,512}$/.test(value)) values.set(name, value);
  }
  const userId = /^(\d{1,20})_/.exec(values.get('UID') ?? '')?.[1];
  if (userId === undefined || NEEDED.some((name) => !values.has(name))) {
    throw new Fault(
      'auth',
      'pan115.bad_cookie',
      'this is no login of 115: paste UID=…; CID=…; SEID=… as your browser has them',
    );
  }
  const header = NAMES.filter((name) => values.has(name)).map((name) => `${name}=${values.get(name)}`);
  return { header: header.join('; '), userId };
}
