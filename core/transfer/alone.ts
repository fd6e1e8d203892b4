/**
 * A short file goes through in the lease that opened it: its head puts the only part itself and commits the receipt with the
 * intent to finish. That is tried once. Whatever goes wrong, the part gets a stripe, which asks first what has landed.
 */
import { Fault } from '#core/fault.ts';
import { type HeadState, headKey, type Moving } from '#core/state.ts';
import { doorbell } from './doorbell.ts';
import { MARGIN_MS } from './engine.ts';
import { flights } from './flights.ts';
import type { HeadStep } from './head-step.ts';
import { stagedWindow } from './window.ts';

export type Carried =
  | { readonly kind: 'landed'; readonly tag: string }
  /** Somebody wants no more of it: nothing flies, and what has landed is for the discard. */
  | { readonly kind: 'canceled' }
  /** The bytes are not there: nothing was tried. */
  | { readonly kind: 'unstaged' };

/** What every link moves well within a lease; the size of a chunk. */
const SHORT_BYTES = 10 * 1024 * 1024;
/** How often the head is looked at, so that a cancel is seen soon. */
const HEAD_MS = 2_000;

/** Staged as one object, and small; nothing is claimed or wanted of it that had to be hashed first. An empty file has no part to put. */
export function isShort({ file: { layout, sizeBytes, claimed, wanted } }: HeadState): boolean {
  const isOneObject = layout.kind === 'object' || layout.count <= 1;
  return isOneObject && sizeBytes <= SHORT_BYTES && Object.keys(claimed).length === 0 && wanted === undefined;
}

/** Throws what the destination, the bucket or the table throws, and the signal's reason. */
export async function carriedAlone(context: HeadStep, moving: Moving): Promise<Carried> {
  const { engine, lease, provider, head, signal } = context;
  const window = stagedWindow(engine.source, head.file);
  const whole = { start: 0, end: head.file.sizeBytes };
  await window.refresh(whole);
  if (!window.covers(whole)) return { kind: 'unstaged' };
  const bell = doorbell(engine.clock);
  const flight = flights({ engine, lease, head, moving, budget: { signal } }, provider, window, bell);
  flight.launch(1);
  try {
    while (flight.flying.size > 0 && !flight.signal.aborted) {
      await bell.wait(HEAD_MS);
      if (flight.flying.size > 0 && (await isCanceled(context))) break;
    }
  } finally {
    flight.abort();
    await flight.settled(MARGIN_MS);
  }
  if (flight.flying.size > 0) {
    throw new Fault('bug', 'provider.ignores_abort', 'a put goes on after it was told to stop');
  }
  const tag = flight.landed.get(1);
  if (tag !== undefined) return { kind: 'landed', tag };
  signal.throwIfAborted();
  const fault = flight.fault();
  if (fault !== null) throw fault;
  return { kind: 'canceled' };
}

async function isCanceled({ engine, head }: HeadStep): Promise<boolean> {
  return (await engine.table.get(headKey(head.file.transferId)))?.wish === 'cancel';
}
