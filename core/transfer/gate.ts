/**
 * Keeps a destination's concurrency: at most so many files, and so many parts of each. Only a limiter: losing its cell loses
 * nothing, and an entry whose holder died runs out with its lease.
 */

import * as z from 'zod';
import type { Cells } from '#core/ports/cells.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Log } from '#core/ports/log.ts';
import { gateKey } from '#core/state.ts';
import { traceOf } from '#core/trace.ts';
import type { Limits } from './engine.ts';

export interface GateDeps {
  readonly cells: Cells;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
}

export interface GateRequest {
  readonly holder: string;
  readonly transferId: string;
  /** Parts wanted; 0 for a head that is about to open. */
  readonly want: number;
  readonly untilMs: number;
}

const Entry = z.object({ holder: z.string(), transferId: z.string(), parts: z.int(), untilMs: z.int() });
const GateValue = z.object({ entries: z.array(Entry) });
type GateValue = z.infer<typeof GateValue>;

const TRIES = 5;

/** Parts granted (1 or more for a stripe, 0 for a head), or null when there is no room: the row keeps its place in the queue. */
export async function acquire(deps: GateDeps, destinationId: string, request: GateRequest): Promise<number | null> {
  let granted: number | null = null;
  const isSwapped = await change(deps, destinationId, (gate) => {
    const mine = gate.entries.find((entry) => entry.holder === request.holder);
    if (mine) {
      granted = mine.parts;
      return null;
    }
    granted = roomFor(gate, request, deps.limits);
    if (granted === null) return null;
    const { holder, transferId, untilMs } = request;
    return { ...gate, entries: [...gate.entries, { holder, transferId, parts: granted, untilMs }] };
  });
  return isSwapped ? granted : null;
}

/**
 * Moves an entry's end with its lease. False when the entry is no longer there: its holder must start nothing more. A write that
 * lost every race leaves the old end, and two more renewals before it.
 */
export async function prolong(
  deps: GateDeps,
  destinationId: string,
  holder: string,
  untilMs: number,
): Promise<boolean> {
  let isThere = false;
  await change(deps, destinationId, (gate) => {
    isThere = gate.entries.some((entry) => entry.holder === holder);
    if (!isThere) return null;
    return { ...gate, entries: gate.entries.map((entry) => (entry.holder === holder ? { ...entry, untilMs } : entry)) };
  });
  return isThere;
}

/** Gives the room back; failure is left to the entry's end. Never rejects. */
export async function giveBack(deps: GateDeps, destinationId: string, holder: string): Promise<void> {
  try {
    await change(deps, destinationId, (gate) => {
      const entries = gate.entries.filter((entry) => entry.holder !== holder);
      return entries.length === gate.entries.length ? null : { ...gate, entries };
    });
  } catch (error) {
    deps.log.error('gate.not_given_back', { destinationId, ...traceOf(error) });
  }
}

/** Files that could still start moving. */
export async function freeSlots(deps: GateDeps, destinationId: string): Promise<number> {
  const cell = await deps.cells.read(gateKey(destinationId));
  const gate = live(cell?.value, deps.clock.now());
  return Math.max(0, deps.limits.files - transfersIn(gate).size);
}

function roomFor(gate: GateValue, request: GateRequest, limits: Limits): number | null {
  const transfers = transfersIn(gate);
  if (!transfers.has(request.transferId) && transfers.size >= limits.files) return null;
  if (request.want === 0) return 0;
  const taken = gate.entries
    .filter((entry) => entry.transferId === request.transferId)
    .reduce((total, entry) => total + entry.parts, 0);
  const granted = Math.min(request.want, limits.parts - taken);
  return granted < 1 ? null : granted;
}

/**
 * Compare-and-set with jittered retries; `next` answers null when there is nothing to write. False after too many lost races. A
 * swap that threw counts as a lost one: whether it was made is seen by the next read.
 */
async function change(
  { cells, clock }: GateDeps,
  destinationId: string,
  next: (gate: GateValue) => GateValue | null,
): Promise<boolean> {
  const key = gateKey(destinationId);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const cell = await cells.read(key);
    const value = next(live(cell?.value, clock.now()));
    if (value === null) return true;
    if (await cells.swap(key, cell?.v ?? 0, value).catch(() => false)) return true;
    await clock.sleep(5 + Math.floor(clock.random() * 20 * (attempt + 1)));
  }
  return false;
}

function live(value: unknown, now: number): GateValue {
  const parsed = GateValue.safeParse(value);
  if (!parsed.success) return { entries: [] };
  return { ...parsed.data, entries: parsed.data.entries.filter((entry) => entry.untilMs > now) };
}

function transfersIn(gate: GateValue): Set<string> {
  return new Set(gate.entries.map((entry) => entry.transferId));
}
