/**
 * Is there anything to do? The same questions are asked by the step that acts and by the look after a release, so that what
 * happened in between is not missed.
 */

import { partRange } from '#core/plan.ts';
import type { Provider } from '#core/ports/provider.ts';
import type { WorkRow } from '#core/ports/work-table.ts';
import {
  DigestState,
  digestKey,
  type HeadState,
  type Moving,
  type Opening,
  StripeState,
  stripePrefix,
} from '#core/state.ts';
import type { DigestAlgorithm, Digests } from '#core/wire/digest.ts';
import type { Engine } from './engine.ts';
import { stagedWindow } from './window.ts';

/** Algorithms that must be computed from the staged bytes: what the provider needs and the client did not bring. */
export function missingDigests(head: HeadState, provider: Provider): DigestAlgorithm[] {
  return provider.needs.filter((algorithm) => head.file.claimed[algorithm] === undefined);
}

/** Algorithms that the client claimed: believed for an instant upload, checked for bytes that we stage. */
export function claimedAlgorithms(head: HeadState): DigestAlgorithm[] {
  const { claimed } = head.file;
  const all: DigestAlgorithm[] = ['sha1', 'md5', 'sha256', 'crc64'];
  return all.filter((algorithm) => claimed[algorithm] !== undefined);
}

/** Digests computed for this upload, or null while they are not complete. */
export async function computedDigests(
  { table }: Engine,
  head: HeadState,
  algorithms: readonly DigestAlgorithm[],
): Promise<Digests | null> {
  if (algorithms.length === 0) return {};
  const row = await table.get(digestKey(head.file.uploadId, algorithms));
  return row === null ? null : DigestState.parse(row.state).result;
}

/** Some bytes are there: the first chunk, or the whole object. */
export async function hasFirstBytes({ source }: Engine, head: HeadState): Promise<boolean> {
  const window = stagedWindow(source, head.file);
  await window.refresh(0);
  return window.covers({ start: 0, end: Math.min(1, head.file.sizeBytes) });
}

/** A transfer opens when its destination may decide by digest, or when its first bytes are there and its digests known. */
export async function mayOpen(engine: Engine, head: HeadState, provider: Provider): Promise<boolean> {
  if (provider.mode === 'serve') return true;
  const missing = missingDigests(head, provider);
  if (head.file.sizeBytes === 0 && missing.length === 0) return true;
  if (missing.length > 0) return (await computedDigests(engine, head, missing)) !== null;
  if (provider.instant === 'by-digest' && provider.needs.length > 0) return true;
  return hasFirstBytes(engine, head);
}

/** All open questions have answers, or their bytes are staged so that we can find them ourselves. */
export async function mayReopen(engine: Engine, head: HeadState, opening: Opening, row: WorkRow): Promise<boolean> {
  const open = opening.asks.filter((ask) => !(ask.id in opening.known) && !(ask.id in row.answers));
  if (open.length === 0) return true;
  const window = stagedWindow(engine.source, head.file);
  for (const ask of open) {
    await window.refresh(ask.start);
    if (!window.covers(ask)) return false;
  }
  return true;
}

/** The stripes of a head's session, in order. */
export async function stripesOf(
  { table }: Engine,
  headRow: WorkRow,
  head: HeadState,
): Promise<readonly { row: WorkRow; state: StripeState }[]> {
  const rows = await table.query(headRow.pk, stripePrefix(head.sessionNo), { limit: 8 });
  return rows.map((row) => ({ row, state: StripeState.parse(row.state) }));
}

/** A part that has no receipt yet lies wholly in the bucket. */
export async function hasReadyPart(
  engine: Engine,
  head: HeadState,
  moving: Moving,
  parts: readonly number[],
): Promise<boolean> {
  const window = stagedWindow(engine.source, head.file);
  for (const number of parts) {
    const range = partRange(moving.plan, number, head.file.sizeBytes);
    if (!window.covers(range)) await window.refresh(range.start);
    if (window.covers(range)) return true;
    if (moving.plan.order === 'ascending') return false;
  }
  return false;
}
