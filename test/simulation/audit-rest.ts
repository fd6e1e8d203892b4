/** Nothing lies about: when everything is at rest, whatever could be done is due, held, or resting for a reason. */
import type { WorkRow } from '#core/ports/work-table.ts';
import { HeadState, headKey, StripeState, stripePrefix } from '#core/state.ts';
import { digestRowOf } from '#core/transfer/digest-row.ts';
import type { Engine } from '#core/transfer/engine.ts';
import {
  claimedAlgorithms,
  claimedDigests,
  computedDigests,
  hasBytesToHash,
  hasReadyPart,
  mayOpen,
  mayReopen,
  missingDigests,
} from '#core/transfer/readiness.ts';
import type { TransferId } from '#core/wire/ids.ts';
import { NO_HARM, spawn } from './process.ts';
import type { World } from './world.ts';

/** Two clocks, each five seconds off. */
const SKEW_MS = 10_000;

export async function checkNothingWaits(world: World, ids: readonly TransferId[]): Promise<void> {
  const observer = spawn({ name: 'audit', base: world.clock, skewMs: 0, fates: NO_HARM, journal: world.journal });
  const engine = world.engine(observer);
  for (const id of ids) {
    const found = await lyingAbout(engine, id);
    if (found !== null) world.journal.violate('I9', `${id}: ${found}`);
  }
}

async function lyingAbout(engine: Engine, id: TransferId): Promise<string | null> {
  const row = await engine.table.get(headKey(id));
  if (row === null || row.queue === null || isStirring(engine, row)) return null;
  const head = HeadState.parse(row.state);
  if (row.wish === 'cancel') return 'a cancel that nobody has seen';
  if (row.wish === 'pause') return row.hold === 'rest' || row.dueAt === null ? null : 'a pause that nobody has seen';
  const { step } = head;
  if (step.phase === 'finishing') return 'it could be finished';
  if (step.phase === 'moving') return lyingStripe(engine, row, head);
  const provider = await engine.destinations.provider(head.file.destinationId);
  const missing = missingDigests(head, provider);
  if (step.phase === 'staging' && (await mayOpen(engine, head, provider))) return 'it could be opened';
  if ((await computedDigests(engine, head, missing)) === null) return lyingDigest(engine, head, missing);
  if (step.phase === 'opening' && (await mayReopen(engine, head, step, row.answers))) return 'it could be opened again';
  return null;
}

async function lyingStripe(engine: Engine, row: WorkRow, head: HeadState): Promise<string | null> {
  const { step } = head;
  if (step.phase !== 'moving') return null;
  const rows = await engine.table.query(row.pk, stripePrefix(head.sessionNo));
  if (rows.length < step.plan.stripes) return 'its stripes could be made';
  for (const own of rows) {
    const stripe = StripeState.parse(own.state);
    if (stripe.fault?.attempt === head.attempt) return `the fault of ${own.sk} is not dealt with`;
    if (own.queue === null || isStirring(engine, own)) continue;
    if (own.dueAt === null) return `${own.sk} is parked`;
    if (await hasReadyPart(engine, head, step, stripe)) return `${own.sk} could put a part`;
  }
  if (rows.some((own) => own.queue !== null)) return null;
  const stripes = rows.map(({ state }) => StripeState.parse(state));
  if ((await claimedDigests(engine, head, stripes)) !== null) return 'its parts are all there';
  return lyingDigest(engine, head, claimedAlgorithms(head));
}

async function lyingDigest(
  engine: Engine,
  head: HeadState,
  algorithms: ReturnType<typeof missingDigests>,
): Promise<string | null> {
  const found = await digestRowOf(engine.table, head.file.uploadId, algorithms);
  if (found === null) return head.file.sizeBytes === 0 ? 'nobody hashes it' : null;
  const { row, state } = found;
  if (row.queue === null || isStirring(engine, row)) return null;
  return (await hasBytesToHash(engine, state)) ? 'there are bytes to hash' : null;
}

/** Held, resting until it may go on, or due for the next sweep. */
function isStirring({ clock }: Engine, { hold, dueAt }: WorkRow): boolean {
  return hold !== 'wait' || (dueAt !== null && dueAt <= clock.now() + SKEW_MS);
}
