/** The stripe's driver: puts ready parts, a few at once, and commits their receipts per wave. */
import { Fault, toFault } from '#core/fault.ts';
import { BLOCK_PARTS, blockCount, blockParts, type PlanState, partRange } from '#core/plan.ts';
import type { PushProvider } from '#core/ports/provider.ts';
import type { Release } from '#core/ports/work-table.ts';
import {
  type HeadState,
  headKey,
  isHigher,
  type Moving,
  receiptsKey,
  type StripeState,
  stripeRank,
} from '#core/state.ts';
import { backoffMs, isWorthRetrying } from './backoff.ts';
import { type Budget, COMMIT_MS, type Engine, idleDelayMs, LINGER_MS, LINGER_STEP_MS, MARGIN_MS } from './engine.ts';
import { itemOf } from './item.ts';
import type { Lease } from './lease.ts';
import { stagedPart } from './part-body.ts';
import { publishTransfer } from './publish.ts';
import { stagedWindow } from './window.ts';

export interface Drive {
  readonly engine: Engine;
  readonly lease: Lease;
  readonly budget: Budget;
  readonly head: HeadState;
  readonly moving: Moving;
  readonly stripe: StripeState;
  readonly provider: PushProvider;
  /** Parts that the gate lets this stripe have under way: 1 or more. */
  readonly granted: number;
}

/** Why no further part is started. */
type Stop = 'budget' | 'pause' | 'cancel' | 'elsewhere';

/** How the head is looked at again, so that a wish is seen soon. */
const HEAD_MS = 2_000;
/** Smoothing of the rate shown: about the last five seconds count. */
const RATE_WINDOW_MS = 5_000;

/**
 * Drives until its blocks are full, nothing is ready, the budget ends, a wish or a fault stops it. Answers how to release the
 * row; null when the row is not ours any more.
 */
export async function driveStripe(drive: Drive): Promise<Release | null> {
  const { engine, lease, budget, head, moving, provider, granted } = drive;
  const { clock } = engine;
  const plan = moving.plan;
  const window = stagedWindow(engine.source, head.file);
  const flight = new AbortController();
  const signal = AbortSignal.any([lease.signal, budget.signal, flight.signal]);
  const bell = doorbell();

  let stripe = drive.stripe;
  try {
    stripe = await adopted(drive);
  } catch (error) {
    if (lease.signal.aborted || !(error instanceof Fault)) throw error;
    return afterFault(drive, stripe, error);
  }
  const flying = new Set<number>();
  const landed = new Map<number, string>();
  let landedInLease = 0;
  let fault: Fault | null = null;
  let stop: Stop | null = null;
  let meteredBytes = 0;
  let slowestMs = 0;
  let committedAt = clock.now();
  let headSeenAt = 0;
  let listedAt = Number.NEGATIVE_INFINITY;
  let idleSince = clock.now();
  let abortedAt: number | null = null;

  const launch = (number: number): void => {
    flying.add(number);
    const startedAt = clock.now();
    const part = stagedPart(engine.source, window, { number, range: rangeOf(number) }, signal, (count) => {
      meteredBytes += count;
    });
    provider
      .put(moving.session, itemOf(head), part.body, { signal })
      .then(
        (receipt) => landed.set(number, receipt.tag),
        (error: unknown) => {
          if (!signal.aborted) fault ??= part.sourceFault() ?? toFault(error);
        },
      )
      .finally(() => {
        slowestMs = Math.max(slowestMs, clock.now() - startedAt);
        flying.delete(number);
        bell.ring();
      });
  };
  const rangeOf = (number: number) => partRange(plan, number, head.file.sizeBytes);
  const isTaken = (number: number) => flying.has(number) || landed.has(number) || number in stripe.have;

  const lookAtHead = async (): Promise<void> => {
    headSeenAt = clock.now();
    stop ??= await reasonToStop(drive);
    if (stop === 'cancel' || stop === 'elsewhere') flight.abort();
  };
  const commitLanded = async (): Promise<void> => {
    const elapsedMs = Math.max(1, clock.now() - committedAt);
    const weight = Math.min(1, elapsedMs / RATE_WINDOW_MS);
    const rate = stripe.rateBytesPerSecond * (1 - weight) + (meteredBytes / elapsedMs) * 1000 * weight;
    const next = {
      ...withReceipts(drive, stripe, landed),
      rateBytesPerSecond: Math.round(rate),
      movedAt: clock.now(),
      streak: 0,
      starved: 0,
    };
    landedInLease += landed.size;
    landed.clear();
    meteredBytes = 0;
    stripe = await commitStripe(drive, stripe, next);
    committedAt = clock.now();
    engine.log.info('stripe.commit', logged(drive, stripe));
    await publishTransfer(engine, headKey(head.file.transferId), window.stagedBytes());
  };

  try {
    for (;;) {
      lease.signal.throwIfAborted();
      if (clock.now() - headSeenAt >= HEAD_MS) await lookAtHead();
      const isWave = landed.size >= granted || plan.order === 'ascending' || flying.size === 0;
      if (landed.size > 0 && (isWave || clock.now() - committedAt >= COMMIT_MS)) {
        await commitLanded();
        idleSince = clock.now();
        continue;
      }
      if (stop === null && budget.remainingMs() <= 2 * slowestMs) stop = 'budget';
      if (stop === null && fault === null) {
        for (const number of missingParts(drive, stripe)) {
          if (flying.size >= granted || (plan.order === 'ascending' && landed.size > 0)) break;
          if (isTaken(number)) continue;
          if (!window.covers(rangeOf(number)) && clock.now() - listedAt >= LINGER_STEP_MS) {
            listedAt = clock.now();
            await window.refresh(rangeOf(number).start).catch((error: unknown) => {
              fault = toFault(error);
            });
          }
          if (fault !== null) break;
          if (!window.covers(rangeOf(number))) {
            if (plan.order === 'ascending') break;
            continue;
          }
          launch(number);
        }
      }
      if (flying.size === 0 && landed.size === 0) {
        if (isFull(drive, stripe)) return ended(stripe);
        if (fault !== null) return afterFault(drive, stripe, fault);
        if (stop !== null) return afterStop(drive, stripe, stop, landedInLease);
        if (clock.now() - idleSince >= LINGER_MS) {
          return released('wait', clock.now() + idleDelayMs(clock.now() - stripe.movedAt), stripe);
        }
      } else {
        idleSince = clock.now();
      }
      abortedAt = signal.aborted ? (abortedAt ?? clock.now()) : null;
      if (abortedAt !== null && clock.now() - abortedAt > MARGIN_MS) {
        throw new Fault('bug', 'provider.ignores_abort', `${provider.id} goes on after it was told to stop`);
      }
      await bell.wait(engine, LINGER_STEP_MS);
    }
  } finally {
    flight.abort();
  }
}

/** After a holder died: what the destination holds and our row does not know is not sent again. */
async function adopted(drive: Drive): Promise<StripeState> {
  const { lease, provider, moving, head, budget, stripe } = drive;
  const fresh =
    stripe.attempt === head.attempt ? stripe : { ...stripe, attempt: head.attempt, streak: 0, starved: 0, fault: null };
  if (!lease.unclean) return fresh;
  const parts = blockParts(moving.plan, stripe.block);
  const signal = AbortSignal.any([lease.signal, budget.signal]);
  const holding = await provider.inspect(moving.session, itemOf(head), parts, { signal });
  if (holding.kind === 'gone')
    throw new Fault('gone', 'session.gone', 'the destination has dropped the upload session');
  if (holding.kind !== 'partial') return fresh;
  const held = new Map(
    holding.held
      .filter((part) => part.number >= parts.from && part.number <= parts.to && !(part.number in stripe.have))
      .filter((part) => part.sizeBytes === sizeOf(drive, part.number))
      .map((part) => [part.number, part.tag]),
  );
  if (held.size === 0) return fresh;
  return commitStripe(drive, stripe, withReceipts(drive, fresh, held));
}

async function reasonToStop({ engine, head }: Drive): Promise<Stop | null> {
  const row = await engine.table.get(headKey(head.file.transferId));
  const state = row?.state;
  const now = state === null || state === undefined ? null : (state as { sessionNo?: unknown }).sessionNo;
  if (row === null || row.phase !== 'moving' || now !== head.sessionNo) return 'elsewhere';
  return row.wish;
}

/** The parts of the block under way, then those of the next block it owns, so that a block's last parts do not stand alone. */
function missingParts({ moving, granted }: Drive, stripe: StripeState): number[] {
  const { plan } = moving;
  const numbers = numbersOf(plan, stripe.block);
  if (plan.order === 'any') numbers.push(...numbersOf(plan, stripe.block + plan.stripes).slice(0, granted));
  return numbers;
}

function numbersOf(plan: PlanState, block: number): number[] {
  if (block >= blockCount(plan)) return [];
  const { from, to } = blockParts(plan, block);
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function isFull({ moving }: Drive, stripe: StripeState): boolean {
  return stripe.block >= blockCount(moving.plan);
}

function sizeOf({ moving, head }: Drive, number: number): number {
  const range = partRange(moving.plan, number, head.file.sizeBytes);
  return range.end - range.start;
}

function withReceipts(drive: Drive, stripe: StripeState, receipts: ReadonlyMap<number, string>): StripeState {
  let doneBytes = stripe.doneBytes;
  const have = { ...stripe.have };
  for (const [number, tag] of receipts) {
    have[number] = tag;
    doneBytes += sizeOf(drive, number);
  }
  return { ...stripe, have, doneBytes, doneParts: stripe.doneParts + receipts.size };
}

/** Writes out every full block as a row of its own, then commits the stripe at its next block. */
async function commitStripe(drive: Drive, before: StripeState, after: StripeState): Promise<StripeState> {
  const { engine, lease, moving, head } = drive;
  let next = after;
  for (let full = fullBlock(moving.plan, next); full !== null; full = fullBlock(moving.plan, next)) {
    const mine = Object.entries(next.have).filter(([number]) => full !== null && isWithin(full, Number(number)));
    const rest = Object.entries(next.have).filter(([number]) => full !== null && !isWithin(full, Number(number)));
    const key = receiptsKey(head.file.transferId, head.sessionNo, next.block);
    const state = { v: 1, have: Object.fromEntries(mine) };
    await engine.table.create({ ...key, queue: null, dueAt: null, phase: 'kept', state }, engine.clock.now());
    next = { ...next, block: next.block + moving.plan.stripes, have: Object.fromEntries(rest) };
  }
  if (!isHigher(stripeRank(next), stripeRank(before))) {
    throw new Fault('bug', 'engine.rank', 'a commit of a stripe must raise its rank');
  }
  await lease.commit({ phase: 'moving', state: next });
  return next;
}

function fullBlock(plan: PlanState, stripe: StripeState): { from: number; to: number } | null {
  if (stripe.block >= blockCount(plan)) return null;
  const parts = blockParts(plan, stripe.block);
  const count = Object.keys(stripe.have).filter((number) => isWithin(parts, Number(number))).length;
  return count === parts.to - parts.from + 1 && count <= BLOCK_PARTS ? parts : null;
}

const isWithin = (parts: { from: number; to: number }, number: number): boolean =>
  number >= parts.from && number <= parts.to;

function ended(stripe: StripeState): Release {
  return { to: 'ended', advance: { phase: 'ended', state: { ...stripe, rateBytesPerSecond: 0 } } };
}

function released(to: 'wait' | 'rest', dueAt: number, stripe: StripeState): Release {
  return { to, dueAt, advance: { phase: 'moving', state: { ...stripe, rateBytesPerSecond: 0 } } };
}

function parked(stripe: StripeState): Release {
  return { to: 'parked', advance: { phase: 'moving', state: { ...stripe, rateBytesPerSecond: 0 } } };
}

/** A fault that time may mend rests; any other is written down for the head to deal with. */
function afterFault(drive: Drive, stripe: StripeState, fault: Fault): Release {
  const { engine, head } = drive;
  engine.log.error('stripe.fault', { ...logged(drive, stripe), kind: fault.kind, code: fault.code });
  const next = { ...stripe, failures: stripe.failures + 1, streak: stripe.streak + 1 };
  if (isWorthRetrying(fault, next.streak)) {
    return released('rest', engine.clock.now() + backoffMs(engine.clock, fault, next.streak), next);
  }
  return parked(withFault(next, head.attempt, fault));
}

/** Written down for the head, which decides what becomes of the transfer. */
export function withFault(stripe: StripeState, attempt: number, fault: Fault): StripeState {
  const error = { code: fault.code.slice(0, 64), message: fault.message.slice(0, 400) };
  return { ...stripe, fault: { attempt, kind: fault.kind, error } };
}

function afterStop(drive: Drive, stripe: StripeState, stop: Stop, landedInLease: number): Release {
  if (stop !== 'budget') return parked(stripe);
  const wasCut = drive.budget.signal.aborted && landedInLease === 0;
  const next = { ...stripe, starved: wasCut ? stripe.starved + 1 : stripe.starved };
  if (next.starved >= 2) {
    const reason =
      'two functions in a row ended before a single part was through: deliver to this destination from a relay or agent';
    return afterFault(drive, next, new Fault('rejected', 'part.too_slow_for_function', reason));
  }
  return released('wait', stripe.readyAt, next);
}

function logged({ head }: Drive, stripe: StripeState) {
  return {
    transferId: head.file.transferId,
    destinationId: head.file.destinationId,
    stripe: stripe.index,
    attempt: head.attempt,
    doneParts: stripe.doneParts,
    doneBytes: stripe.doneBytes,
  };
}

/** Wakes a waiting loop when a part has landed. */
function doorbell() {
  let wake: (() => void) | null = null;
  let isRung = false;
  return {
    ring(): void {
      isRung = true;
      wake?.();
    },
    async wait({ clock }: Engine, ms: number): Promise<void> {
      if (!isRung) {
        const timer = new AbortController();
        const rung = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const slept = clock.sleep(ms, timer.signal).catch(() => undefined);
        await Promise.race([rung, slept]);
        timer.abort();
      }
      isRung = false;
      wake = null;
    },
  };
}
