/** Names and values in the paths and queries that stores sign: percent-encoded by RFC 3986, also what encodeURIComponent leaves out. */

export function uriPart(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Slashes stay. */
export function uriPath(path: string): string {
  return path.split('/').map(uriPart).join('/');
}
