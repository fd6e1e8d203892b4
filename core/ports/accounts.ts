/** Credentials, sealed at rest. */

export interface Credential {
  /** Rises with each rotation. */
  readonly version: number;
  readonly secret: unknown;
}

/**
 * Laws: what is stored is unreadable without the key and bound to its destination's id: moved to another id it does not open
 * (Fault `auth` `credentials.unreadable`). `rotate` replaces the secret only if its version is still `from`, so that of two
 * refreshers of a token that is valid once, one stores and the other reads what the first one stored.
 */
export interface Accounts {
  read(destinationId: string): Promise<Credential | null>;
  store(destinationId: string, secret: unknown): Promise<void>;
  rotate(destinationId: string, from: number, secret: unknown): Promise<'stored' | 'stale'>;
  forget(destinationId: string): Promise<void>;
}
