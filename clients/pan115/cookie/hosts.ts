/** Where 115's own programs ask, and the key with which their questions are sealed. Tests put a fake in their place. */

export interface CookieHosts {
  readonly upload: string;
  readonly web: string;
  readonly api: string;
  /** 115's point on P-224, X and Y as 112 hex digits. */
  readonly publicKey: string;
}

export const COOKIE_HOSTS: CookieHosts = {
  upload: 'https://uplb.115.com',
  web: 'https://webapi.115.com',
  api: 'https://proapi.115.com',
  publicKey:
    '57a29257cd2320e5d6d143322fa4bb8a3cf9d3cc623ef5edac62b7678a89c91a83ba800d6129f522d034c895dd2465243addc250953beeba',
};
