/** True of names by which only the server's own machine knows it. */
export function isHere(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}
