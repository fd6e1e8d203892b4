/** What one call of WebCrypto gives, and in workerd one of `node:crypto` too. */
const AT_ONCE = 65_536;

export function randomBytes(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at < sizeBytes; at += AT_ONCE) crypto.getRandomValues(bytes.subarray(at, at + AT_ONCE));
  return bytes;
}
