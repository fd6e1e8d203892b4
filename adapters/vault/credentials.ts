/** How drivers get at their credentials: one refresh at a time, and never two tokens from one that is valid once. */
import { isDeepStrictEqual } from 'node:util';
import { Fault } from '#core/fault.ts';
import type { Accounts, Credential } from '#core/ports/accounts.ts';
import type { CredentialHandle } from '#core/ports/connection.ts';

/** A refreshed token that cannot be stored is lost together with the one it replaced: storing it is tried again. */
const STORE_TRIES = 3;

/**
 * Handles for destinations by id. Callers of `rotate` that come while one is under way share its answer: `replace` of the
 * first is called, with what is stored. It may answer what it was given, when it finds that somebody else has refreshed it:
 * then nothing is written. Throws Fault `auth` `credentials.missing`.
 */
export function credentialHandles(accounts: Accounts): (destinationId: string) => CredentialHandle<unknown> {
  const rotating = new Map<string, Promise<unknown>>();

  return (destinationId) => ({
    read: async () => (await current(accounts, destinationId)).secret,
    rotate: (replace) => {
      const underWay = rotating.get(destinationId);
      if (underWay) return underWay;
      const rotation = rotate(accounts, destinationId, replace).finally(() => rotating.delete(destinationId));
      rotating.set(destinationId, rotation);
      return rotation;
    },
  });
}

async function rotate(
  accounts: Accounts,
  destinationId: string,
  replace: (current: unknown) => Promise<unknown>,
): Promise<unknown> {
  const { version, secret } = await current(accounts, destinationId);
  const next = await replace(structuredClone(secret));
  if (isDeepStrictEqual(next, secret)) return secret;
  const outcome = await storeWithRetry(accounts, destinationId, version, next);
  return outcome === 'stored' ? next : (await current(accounts, destinationId)).secret;
}

async function storeWithRetry(accounts: Accounts, destinationId: string, from: number, next: unknown) {
  for (let tried = 1; ; tried++) {
    try {
      return await accounts.rotate(destinationId, from, next);
    } catch (error) {
      if (tried === STORE_TRIES) throw error;
    }
  }
}

async function current(accounts: Accounts, destinationId: string): Promise<Credential> {
  const credential = await accounts.read(destinationId);
  if (credential !== null) return credential;
  throw new Fault('auth', 'credentials.missing', 'this destination has no credentials: add them');
}
