/** The stripe's driver: puts ready parts, a few at once, and commits their receipts per wave. */
import { Fault, toFault } from '#core/fault.ts';
import { partRange } from '#core/plan.ts';
import type { PushProvider } from '#core/ports/provider.ts';
import type { Release } from '#core/ports/work-table.ts';
import { headKey, type StripeState } from '#core/state.ts';
import { type Doorbell, doorbell } from './doorbell.ts';
import type { Drive } from './drive.ts';
import { COMMIT_MS, LINGER_MS, LINGER_STEP_MS, MARGIN_MS } from './engine.ts';
import { type Flights, flights } from './flights.ts';
import { publishTransfer } from './publish.ts';
import { smoothed } from './rate.ts';
import { afterFault, ended, handedOver, idle, logged, parked } from './stripe-end.ts';
import { isThrough, missingParts } from './stripe-parts.ts';
import { adopted, commitStripe, foundThere, withReceipts } from './stripe-rows.ts';
import { type StagedWindow, stagedWindow } from './window.ts';

/** Why no further part is started. */
type Stop = 'budget' | 'pause' | 'cancel' | 'elsewhere';

/** How often the head is looked at, so that a wish is seen soon. */
const HEAD_MS = 2_000;

/** Drives until its blocks are full, nothing is ready, the budget ends, or a wish or a fault stops it. Answers how to let go. */
export async function driveStripe(drive: Drive): Promise<Release> {
  const { engine, lease, budget, head } = drive;
  let provider: PushProvider;
  let found: ReadonlyMap<number, string>;
  try {
    provider = await pushProvider(drive);
    found = await foundThere(drive, provider);
  } catch (error) {
    if (lease.signal.aborted) throw error;
    if (budget.signal.aborted) return handedOver(drive, drive.stripe, 0);
    return afterFault(drive, drive.stripe, toFault(error));
  }
  const stripe = await adopted(drive, found);
  const window = stagedWindow(engine.source, head.file);
  const bell = doorbell(engine.clock);
  const flight = flights(drive, provider, window, bell);
  try {
    return await drivenBy(drive, stripe, window, flight, bell);
  } finally {
    flight.abort();
  }
}

async function pushProvider({ engine, head }: Drive): Promise<PushProvider> {
  const provider = await engine.destinations.provider(head.file.destinationId);
  if (provider.mode === 'push') return provider;
  throw new Fault('bug', 'engine.lane', 'a serving destination belongs to the relay');
}

async function drivenBy(
  drive: Drive,
  first: StripeState,
  window: StagedWindow,
  flight: Flights,
  bell: Doorbell,
): Promise<Release> {
  const { engine, lease, moving, head } = drive;
  const { clock } = engine;
  const start = starter(drive, window, flight);
  let stripe = first;
  let stop: Stop | null = null;
  let landedInLease = 0;
  let committedAt = clock.now();
  let headSeenAt = committedAt;
  let idleSince = committedAt;

  const commitLanded = async (): Promise<void> => {
    const now = clock.now();
    const { receipts, bytes } = flight.take();
    const rateBytesPerSecond = smoothed(stripe.rateBytesPerSecond, bytes, Math.max(1, now - committedAt));
    const more = withReceipts(drive, stripe, receipts);
    stripe = await commitStripe(drive, stripe, { ...more, rateBytesPerSecond, movedAt: now, streak: 0, starved: 0 });
    landedInLease += receipts.size;
    committedAt = clock.now();
    engine.log.info('stripe.commit', logged(drive, stripe));
    await publishTransfer(engine, headKey(head.file.transferId), window.stagedBytes());
  };
  const letGo = (fault: Fault | null): Release | null => {
    // Who held the row before may stand still, and what that one sent land after we have asked: the next one asks once more.
    const left = { ...stripe, unsure: stripe.unsure || flight.isUnsure() || lease.unclean };
    if (isThrough(moving.plan, stripe)) return ended(stripe);
    if (fault !== null) return afterFault(drive, left, fault);
    if (stop !== null) return stop === 'budget' ? handedOver(drive, left, landedInLease) : parked(left);
    return clock.now() - idleSince >= LINGER_MS ? idle(drive, left) : null;
  };

  for (let fault: Fault | null = null; ; ) {
    lease.signal.throwIfAborted();
    if (clock.now() - headSeenAt >= HEAD_MS) {
      headSeenAt = clock.now();
      stop ??= await reasonToStop(drive);
      if (stop === 'cancel' || stop === 'elsewhere') flight.abort();
    }
    const isLast = stop !== null || fault !== null || hasAllInHand(drive, stripe, flight);
    if (isWorthCommitting(drive, flight, clock.now() - committedAt, isLast)) {
      await commitLanded();
      continue;
    }
    if (isBudgetOver(drive, flight)) stop ??= 'budget';
    fault ??= flight.fault();
    if (stop === null && fault === null) fault = await start(stripe);
    if (flight.flying.size > 0 || flight.landed.size > 0) {
      idleSince = clock.now();
      if (flight.signal.aborted && !(await flight.settled(MARGIN_MS))) {
        throw new Fault('bug', 'provider.ignores_abort', 'a put goes on after it was told to stop');
      }
    } else {
      const release = letGo(fault);
      if (release !== null) return release;
    }
    await bell.wait(LINGER_STEP_MS);
  }
}

/** Starts every part that is ready, as far as the gate and the order allow. Answers what went wrong with the bucket. */
function starter({ engine, head, moving, granted }: Drive, window: StagedWindow, flight: Flights) {
  const { plan } = moving;
  const isAscending = plan.order === 'ascending';
  let listedAt = Number.NEGATIVE_INFINITY;
  return async (stripe: StripeState): Promise<Fault | null> => {
    for (const number of missingParts(plan, stripe)) {
      if (flight.flying.size >= granted || (isAscending && flight.landed.size > 0)) return null;
      if (flight.flying.has(number) || flight.landed.has(number)) continue;
      const range = partRange(plan, number, head.file.sizeBytes);
      if (!window.covers(range) && engine.clock.now() - listedAt >= LINGER_STEP_MS) {
        listedAt = engine.clock.now();
        try {
          await window.refresh(range);
        } catch (error) {
          return toFault(error);
        }
      }
      if (window.covers(range)) flight.launch(number);
      else if (isAscending) return null;
    }
    return null;
  };
}

/** Per wave or every two seconds; at once where the next step waits for it. */
function isWorthCommitting(
  { moving, granted }: Drive,
  { landed, flying }: Flights,
  elapsedMs: number,
  isLast: boolean,
): boolean {
  if (landed.size === 0) return false;
  if (landed.size >= granted || elapsedMs >= COMMIT_MS) return true;
  return moving.plan.order === 'ascending' || (isLast && flying.size === 0);
}

/** Nothing of the block under way is left to send. */
function hasAllInHand({ moving }: Drive, stripe: StripeState, { landed }: Flights): boolean {
  return missingParts(moving.plan, stripe).every((number) => landed.has(number));
}

/** A part is started only if there is time for two like the slowest so far. */
function isBudgetOver({ budget }: Drive, flight: Flights): boolean {
  return budget.signal.aborted || budget.remainingMs() <= 2 * flight.slowestMs();
}

async function reasonToStop({ engine, head }: Drive): Promise<Stop | null> {
  const row = await engine.table.get(headKey(head.file.transferId));
  const state = row?.state;
  const now = state === null || state === undefined ? null : (state as { sessionNo?: unknown }).sessionNo;
  if (row === null || row.phase !== 'moving' || now !== head.sessionNo) return 'elsewhere';
  return row.wish;
}
