/** The only handler of work: claims the row that a job names, does one lease of work, lets go, and looks once more. */
import type { Claim, Release, RowKey, WorkRow } from '#core/ports/work-table.ts';
import {
  DIGEST_QUEUE,
  destinationOf,
  HeadState,
  headKey,
  isRelayQueue,
  STRIPE_PREFIX,
  StripeState,
  uploadKey,
} from '#core/state.ts';
import type { Job } from '#core/wire/job.ts';
import { isShort } from './alone.ts';
import { advanceUpload } from './collect.ts';
import { advanceDigest, wakeHeads } from './digest.ts';
import { type Budget, type Engine, LEASE_MS, SKEW_MS } from './engine.ts';
import { acquire, giveBack, prolong } from './gate.ts';
import { advanceHead } from './head.ts';
import type { Lease } from './lease.ts';
import { underLease } from './lease.ts';
import { lookAtDigest, lookAtHead, lookAtStripe, lookAtUpload } from './look.ts';
import { publishTransfer } from './publish.ts';
import { pushed } from './pushed-head.ts';
import { repeated } from './repeat.ts';
import { driveStripe } from './stripe.ts';
import { parked } from './stripe-end.ts';
import { fillSlots } from './sweep.ts';

/** What is due so soon anyhow need not be written down as due now. */
const SOON_MS = 60_000;

type Kind = 'head' | 'stripe' | 'digest' | 'upload';

/**
 * Repeatable and safe to call for any row at any time: what is ended, held, resting or refused by its gate is left alone, since
 * the table knows when it is due; so is what belongs to relays, which look for it themselves. Throws only when the table or
 * dispatcher cannot be reached; the job may then be repeated.
 */
export async function advance(engine: Engine, job: Job, budget: Budget): Promise<void> {
  const row = await engine.table.get(job);
  if (row === null || !isClaimable(row, engine.clock.now()) || isRelayQueue(row.queue ?? '')) return;
  if (job.ifDue && (row.dueAt ?? 0) > engine.clock.now() + SKEW_MS) return;
  const kind = kindOf(row);
  const key: RowKey = { pk: row.pk, sk: row.sk };
  const holder = engine.newHolder();
  const gate = gateOf(row, kind, engine.clock.now());
  const untilMs = engine.clock.now() + LEASE_MS;
  const granted = gate === null ? 0 : await admitted(engine, row, gate, { holder, untilMs });
  if (granted === null) return;
  let release: Release | null = null;
  try {
    const by = { holder, now: engine.clock.now(), until: untilMs };
    const claim = await repeated(engine.clock, () => engine.table.claim(key, by));
    if (claim !== null) release = await work({ engine, key, kind, claim, holder, untilMs, granted, budget, gate });
  } finally {
    if (gate !== null) await giveBack(engine, gate.name, holder);
  }
  if (release !== null) await lookOnceMore(engine, key, kind, release);
  if (gate !== null) await fillSlots(engine, gate.name);
}

interface Work {
  readonly engine: Engine;
  readonly key: RowKey;
  readonly kind: Kind;
  readonly claim: Claim;
  readonly holder: string;
  readonly untilMs: number;
  readonly granted: number;
  readonly budget: Budget;
  readonly gate: Gate | null;
}

function work({ engine, key, kind, claim, holder, untilMs, granted, budget, gate }: Work): Promise<Release | null> {
  const onRenew = async (until: number) => gate === null || (await prolong(engine, gate.name, holder, until));
  return underLease({ engine, key, claim, holder, untilMs, onRenew }, (lease) => {
    switch (kind) {
      case 'upload':
        return advanceUpload(engine, lease, budget);
      case 'digest':
        return advanceDigest(engine, lease, budget);
      case 'head':
        return advanceHead(engine, lease, budget.signal, pushed(granted));
      case 'stripe':
        return advanceStripe(engine, lease, budget, granted);
      default:
        return kind satisfies never;
    }
  });
}

/** A stripe reads its head after the claim: whoever cancels reads the stripes after the wish, so one of them sees the other. */
async function advanceStripe(engine: Engine, lease: Lease, budget: Budget, granted: number): Promise<Release> {
  const stored = StripeState.parse(lease.row.state);
  const stripe = { ...stored, unsure: stored.unsure || lease.unclean };
  const headRow = await engine.table.get(headKey(stripe.transferId));
  if (headRow === null) return parked(stripe);
  const head = HeadState.parse(headRow.state);
  const moving = head.step;
  if (moving.phase !== 'moving' || head.sessionNo !== stripe.sessionNo || headRow.wish !== null) return parked(stripe);
  return driveStripe({ engine, lease, budget, head, moving, stripe, granted });
}

/** What came between the last look of a head's holder and its release is found, and viewers are told. */
export async function lookAfterHead(engine: Engine, key: RowKey, release: Release): Promise<void> {
  const head = await publishTransfer(engine, key, 0);
  return release.to === 'ended' ? wakeUpload(engine, key, head) : lookAtHead(engine, key);
}

async function lookOnceMore(engine: Engine, key: RowKey, kind: Kind, release: Release): Promise<void> {
  switch (kind) {
    case 'head':
      return lookAfterHead(engine, key, release);
    case 'stripe':
      await publishTransfer(engine, { pk: key.pk, sk: '@' }, 0);
      return lookAtStripe(engine, key);
    case 'digest':
      if (release.to === 'wait') return lookAtDigest(engine, key);
      return release.to === 'rest' ? undefined : wakeHeads(engine, key);
    case 'upload':
      return lookAtUpload(engine, key);
    default:
      kind satisfies never;
  }
}

/** A transfer has ended: its upload may be through with its bytes. */
async function wakeUpload(engine: Engine, key: RowKey, told: HeadState | null): Promise<void> {
  const head = told ?? HeadState.nullable().parse((await engine.table.get(key))?.state ?? null);
  if (head === null) return;
  const upload = uploadKey(head.file.uploadId);
  const now = engine.clock.now();
  const dueAt = (await engine.table.get(upload))?.dueAt ?? 0;
  if (dueAt > now + SOON_MS) await engine.table.wake(upload, now, now);
  await engine.dispatcher.send([upload]);
}

export function isClaimable(row: WorkRow, now: number): boolean {
  if (row.queue === null || row.dueAt === null) return false;
  return row.hold === 'wait' || row.dueAt <= now;
}

function kindOf(row: WorkRow): Kind {
  if (row.queue === DIGEST_QUEUE) return 'digest';
  if (destinationOf(row.queue ?? '') === null) return 'upload';
  return row.sk.startsWith(STRIPE_PREFIX) ? 'stripe' : 'head';
}

interface Gate {
  readonly name: string;
  /** What counts as one file behind this gate. */
  readonly entry: string;
  readonly want: number;
  /** The row's place in its queue while it waits for room. */
  readonly place: number;
}

/**
 * Parts granted, or null when there is no room. Who is refused writes down his place in the queue and asks again: from then on,
 * whoever gives room back finds him.
 */
async function admitted(
  engine: Engine,
  row: WorkRow,
  gate: Gate,
  { holder, untilMs }: { readonly holder: string; readonly untilMs: number },
): Promise<number | null> {
  const ask = () => acquire(engine, gate.name, { holder, transferId: gate.entry, want: gate.want, untilMs });
  const room = await ask();
  if (room !== null || row.hold !== 'wait' || (row.dueAt ?? 0) <= gate.place) return room;
  await engine.table.wake(row, gate.place, engine.clock.now());
  return ask();
}

/** Only a head that is about to open, stripes, and digests wait for room; arming, finishing and ending never do. */
function gateOf(row: WorkRow, kind: Kind, now: number): Gate | null {
  if (kind === 'upload') return null;
  if (kind === 'digest') return { name: DIGEST_QUEUE, entry: row.pk, want: 0, place: now };
  const name = destinationOf(row.queue ?? '') ?? '';
  if (kind === 'stripe') {
    const stripe = StripeState.parse(row.state);
    return { name, entry: stripe.transferId, want: stripe.want, place: stripe.readyAt };
  }
  const head = HeadState.parse(row.state);
  const isOpening = head.step.phase === 'staging' || head.step.phase === 'opening';
  if (!isOpening || row.wish !== null) return null;
  return { name, entry: head.file.transferId, want: isShort(head) ? 1 : 0, place: head.file.createdAt };
}
