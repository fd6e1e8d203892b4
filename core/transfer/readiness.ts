/**
 * Is there anything to do? The same questions are asked by the step that acts and by the look after a release, so that what
 * happened in between is not missed.
 */

import { Fault } from '#core/fault.ts';
import { partRange } from '#core/plan.ts';
import type { Provider } from '#core/ports/provider.ts';
import type { WorkRow } from '#core/ports/work-table.ts';
import {
  type DigestState,
  type HeadState,
  type Moving,
  type Opening,
  StripeState,
  stripePrefix,
  UploadState,
  uploadKey,
} from '#core/state.ts';
import { DigestAlgorithm, type Digests } from '#core/wire/digest.ts';
import { readyRanges } from './digest-ranges.ts';
import { digestRowOf } from './digest-row.ts';
import type { Engine } from './engine.ts';
import { missingParts } from './stripe-parts.ts';
import { stagedWindow } from './window.ts';

/** Algorithms that must be computed from the staged bytes: what the provider needs and the client did not bring. */
export function missingDigests(head: HeadState, provider: Provider): DigestAlgorithm[] {
  return provider.needs.filter((algorithm) => head.file.claimed[algorithm] === undefined);
}

/**
 * Algorithms that the client claimed: believed for an instant upload, checked for bytes that we stage. And those that the home wants
 * of every file that it stages.
 */
export function claimedAlgorithms({ file: { claimed, wanted = [] } }: HeadState): DigestAlgorithm[] {
  return DigestAlgorithm.options.filter((algorithm) => claimed[algorithm] !== undefined || wanted.includes(algorithm));
}

/**
 * Digests computed for this upload, perhaps more than these, or null while they are not complete. Throws what ended the hashing, as
 * a Fault `rejected`, unless the transfer has been tried again since, or the hashing gave up before `sinceMs`.
 */
export async function computedDigests(
  { table }: Engine,
  head: HeadState,
  algorithms: readonly DigestAlgorithm[],
  sinceMs = 0,
): Promise<Digests | null> {
  if (algorithms.length === 0) return {};
  const found = await digestRowOf(table, head.file.uploadId, algorithms);
  if (found === null) return null;
  const { result, fault } = found.state;
  const triedAt = head.events.findLast(({ type }) => type === 'retry')?.at ?? 0;
  if (fault !== null && fault.at > triedAt && fault.at >= sinceMs) {
    throw new Fault('rejected', fault.error.code, fault.error.message);
  }
  return result;
}

/**
 * Of a transfer whose parts are through: digests of what the client claimed, as above. A hashing that gave up while parts were
 * still moving is tried once more, since nobody had asked for it yet.
 */
export function claimedDigests(
  engine: Engine,
  head: HeadState,
  stripes: readonly StripeState[],
): Promise<Digests | null> {
  const lastMovedAt = Math.max(0, ...stripes.map(({ movedAt }) => movedAt));
  return computedDigests(engine, head, claimedAlgorithms(head), lastMovedAt);
}

/** Some bytes are there: the first chunk, or the whole object. */
export async function hasFirstBytes({ source }: Engine, head: HeadState): Promise<boolean> {
  const window = stagedWindow(source, head.file);
  const first = { start: 0, end: Math.min(1, head.file.sizeBytes) };
  await window.refresh(first);
  return window.covers(first);
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
export async function mayReopen(
  engine: Engine,
  head: HeadState,
  opening: Opening,
  given: WorkRow['answers'],
): Promise<boolean> {
  const open = opening.asks.filter((ask) => !(ask.id in opening.known) && !(ask.id in given));
  if (open.length === 0) return true;
  const window = stagedWindow(engine.source, head.file);
  for (const ask of open) {
    await window.refresh(ask);
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

/** A part in the stripe's reach that has no receipt yet lies wholly in the bucket. */
export async function hasReadyPart(
  { source }: Engine,
  { file }: HeadState,
  { plan }: Moving,
  stripe: StripeState,
): Promise<boolean> {
  const missing = missingParts(plan, stripe);
  const ranges = (plan.order === 'ascending' ? missing.slice(0, 1) : missing).map((number) =>
    partRange(plan, number, file.sizeBytes),
  );
  const [first, last] = [ranges[0], ranges.at(-1)];
  if (first === undefined || last === undefined) return false;
  const window = stagedWindow(source, file);
  await window.refresh({ start: first.start, end: last.end });
  return ranges.some((range) => window.covers(range));
}

/** Bytes that the digest row has not read yet lie in the bucket, or it has read them all. */
export async function hasBytesToHash({ source, table }: Engine, digest: DigestState): Promise<boolean> {
  const row = await table.get(uploadKey(digest.uploadId));
  if (row === null) return false;
  const upload = UploadState.parse(row.state);
  if (digest.cursorBytes >= upload.sizeBytes) return true;
  return (await readyRanges(digest, upload, stagedWindow(source, upload))).length > 0;
}
