/** Accounts over cells: one sealed cell per destination, whose version is the credential's. */

import { isDeepStrictEqual } from 'node:util';
import { Fault } from '#core/fault.ts';
import type { Accounts, Credential } from '#core/ports/accounts.ts';
import type { Cell, Cells } from '#core/ports/cells.ts';
import { type SealKey, seal, unseal } from './seal.ts';

const PK = 'ACCOUNT';

/** Two writers may be at one account, a person and a refresher; more losses in a row than this are a fault of the table. */
const TRIES = 5;

/** A cell takes 32 KiB; base64 and the envelope take a third of that. */
const SECRET_MAX_BYTES = 20 * 1024;

/**
 * What is forgotten leaves its cell behind, empty: versions of one id never start again, so that a refresh which began before
 * cannot win over what is stored afterwards.
 */
export function sealedAccounts(cells: Cells, key: SealKey): Accounts {
  const keyOf = (destinationId: string) => ({ pk: PK, sk: destinationId });

  /** Whether the cell now holds the value: a swap repeated after a lost reply answers false although it was done. */
  async function put(destinationId: string, v: number, value: unknown): Promise<boolean> {
    if (await cells.swap(keyOf(destinationId), v, value)) return true;
    const cell = await cells.read(keyOf(destinationId));
    return cell !== null && cell.v === v + 1 && isDeepStrictEqual(cell.value, value);
  }

  async function overwrite(destinationId: string, value: unknown): Promise<void> {
    for (let tried = 0; tried < TRIES; tried++) {
      const cell = await cells.read(keyOf(destinationId));
      if (await put(destinationId, cell?.v ?? 0, value)) return;
    }
    throw new Fault('transient', 'credentials.contended', 'these credentials are being changed by others: try again');
  }

  return {
    read: async (destinationId) => {
      const cell = await cells.read(keyOf(destinationId));
      return cell === null || cell.value === null ? null : open(key, destinationId, cell);
    },
    store: async (destinationId, secret) => overwrite(destinationId, close(key, destinationId, secret)),
    rotate: async (destinationId, from, secret) =>
      (await put(destinationId, from, close(key, destinationId, secret))) ? 'stored' : 'stale',
    forget: async (destinationId) => {
      const cell = await cells.read(keyOf(destinationId));
      if (cell !== null && cell.value !== null) await overwrite(destinationId, null);
    },
  };
}

/** Throws Fault `rejected` `credentials.too_large`. */
export function mustFit(secret: unknown): void {
  if (Buffer.byteLength(JSON.stringify(secret ?? null)) <= SECRET_MAX_BYTES) return;
  throw new Fault('rejected', 'credentials.too_large', 'credentials have at most 20 KiB');
}

function open(key: SealKey, destinationId: string, cell: Cell): Credential {
  return { version: cell.v, secret: unseal(key, destinationId, cell.value) };
}

function close(key: SealKey, destinationId: string, secret: unknown) {
  mustFit(secret);
  return seal(key, destinationId, secret);
}
