/** Seals what is secret and short-lived, for cells that hold it between two calls. */

/**
 * Laws: what is sealed is JSON, unreadable without the key, and bound to its context: under another one it does not open (Fault
 * `auth` `credentials.unreadable`). `context` is no destination's id: it has a `:` in it.
 */
export interface SecretBox {
  seal(context: string, secret: unknown): unknown;
  open(context: string, sealed: unknown): unknown;
}
