/** Rows and times that the laws of the work table are written with. */
import type { Claim, NewRow, RowKey, WorkTable } from '#core/ports/work-table.ts';

export const NOW = 1_750_000_000_000;
export const LEASE_MS = 60_000;
export const KEY: RowKey = { pk: 'T#trf_1', sk: '@' };
export const STATE = { size: 1, name: 'a' };
export const NEXT = { phase: 'moving', state: { size: 2, name: 'b' } };

/** A row that waits and is due at NOW, unless told otherwise. */
export function newRow(fields: Partial<NewRow> = {}): NewRow {
  return { ...KEY, queue: 'dest#a', dueAt: NOW, phase: 'staging', state: STATE, ...fields };
}

export function by(
  holder: string,
  now = NOW,
): { readonly holder: string; readonly now: number; readonly until: number } {
  return { holder, now, until: now + LEASE_MS };
}

/** Claims a row that is expected to be free. */
export async function claimed(table: WorkTable, holder = 'boot/1', now = NOW, key = KEY): Promise<Claim> {
  const claim = await table.claim(key, by(holder, now));
  if (claim === null) throw new Error(`${holder} could not claim ${key.pk} ${key.sk}`);
  return claim;
}

/** Creates the row and claims it. */
export async function held(table: WorkTable, fields: Partial<NewRow> = {}): Promise<Claim> {
  await table.create(newRow(fields), NOW);
  return claimed(table);
}

/** Creates the row, claims it and ends it. */
export async function ended(table: WorkTable, fields: Partial<NewRow> = {}): Promise<Claim> {
  const claim = await held(table, fields);
  await table.release(KEY, claim.token, { to: 'ended' }, NOW);
  return claim;
}
