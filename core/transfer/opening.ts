/** Opening: the only negotiation with a destination. It has the file, it asks, or it is ready for parts. */
import { Fault } from '#core/fault.ts';
import type { PlanState } from '#core/plan.ts';
import { blockCount } from '#core/plan.ts';
import type { Plan, Provider, PushProvider, Session } from '#core/ports/provider.ts';
import { type HeadState, type Opening, withEvent } from '#core/state.ts';
import type { Digests } from '#core/wire/digest.ts';
import { isShort } from './alone.ts';
import { mismatched, wrongClaim } from './claims.ts';
import { delivered } from './delivered.ts';
import { digestRowOf, ensureDigest } from './digest-row.ts';
import { rangeDigest } from './digesting.ts';
import { type Engine, MAX_ROUNDS } from './engine.ts';
import { commitStep, type HeadStep, type Onward, waiting } from './head-step.ts';
import { itemOf } from './item.ts';
import { computedDigests, mayReopen, missingDigests } from './readiness.ts';

const MAX_STRIPES = 8;
const MAX_PARTS = 10_000;
const MAX_NOTES = 4;

export async function open(context: HeadStep<Provider>, opening: Opening): Promise<Onward> {
  const { engine, lease, head, provider, signal } = context;
  const missing = missingDigests(head, provider);
  const digests = await computedDigests(engine, head, missing);
  if (digests === null) {
    await ensureDigest(engine, head.file, missing, 'prompt');
    return { release: waiting(engine, head) };
  }
  const wrong = wrongClaim(head, digests);
  if (wrong !== undefined) return { release: mismatched(engine, head, wrong) };
  const given = opening.asks.length === 0 ? {} : ((await engine.table.get(lease.key))?.answers ?? {});
  if (!(await mayReopen(engine, head, opening, given))) return { release: waiting(engine, head) };
  const known = await answered(context, opening, { ...given, ...opening.known });
  const item = itemOf(head, { ...(await digestsAtHand(context)), ...digests }, known);
  const answer = await provider.open(item, { signal });
  switch (answer.kind) {
    case 'done': {
      const opened = { ...head, startedAt: head.startedAt ?? engine.clock.now() };
      const end = { receipt: answer.receipt, instant: true, parts: 0 };
      return { release: await delivered({ engine, head: opened, provider }, end) };
    }
    case 'ask': {
      const rounds = opening.rounds + 1;
      if (rounds > MAX_ROUNDS) {
        throw new Fault('rejected', 'provider.asks_forever', 'the destination asks for ever more digests');
      }
      const { uploadId, ownerId } = head.file;
      const onward = await commitStep(context, { phase: 'opening', rounds, asks: [...answer.asks], known });
      await engine.progress.publish([{ kind: 'ask', ownerId, uploadId, asks: answer.asks }]);
      return onward;
    }
    case 'ready':
      return commitMoving(context, answer.session, answer.notes ?? []);
    default:
      return answer satisfies never;
  }
}

/** A destination that asks spares itself the questions whose answers it is given. */
async function digestsAtHand({ engine, head, provider }: HeadStep<Provider>): Promise<Digests> {
  if (provider.mode === 'push') return {};
  return (await digestRowOf(engine.table, head.file.uploadId, []))?.state.result ?? {};
}

/** The answers known so far, with those that the staged bytes give. */
async function answered(
  { engine, head, signal }: HeadStep<Provider>,
  opening: Opening,
  known: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const all: Record<string, string> = { ...known };
  for (const ask of opening.asks) {
    all[ask.id] ??= await rangeDigest(engine.source, head.file, ask, signal);
  }
  return all;
}

async function commitMoving(context: HeadStep<Provider>, session: Session, notes: readonly string[]): Promise<Onward> {
  const { engine, lease, provider, granted } = context;
  const head = notes
    .slice(0, MAX_NOTES)
    .reduce((noted, note) => withEvent(noted, engine.clock.now(), 'note', note.slice(0, 64)), context.head);
  const plan = provider.mode === 'push' ? planned(engine, head, provider, session) : unplanned(head);
  const goesAlone = provider.mode === 'push' && granted > 0 && plan.partCount === 1 && isShort(head);
  return commitStep(
    { ...context, head },
    { phase: 'moving', session, plan, ...(goesAlone ? { alone: lease.token } : {}) },
    { sessionNo: head.sessionNo + 1, startedAt: head.startedAt ?? engine.clock.now() },
  );
}

/** Of a destination that asks: it cuts the file as it likes. */
function unplanned({ file }: HeadState): PlanState {
  return { partBytes: Math.max(1, file.sizeBytes), partCount: 0, inFlightMax: 1, order: 'any', stripes: 0 };
}

/** The provider's plan, checked, with the stripes that it is worth. */
export function planned(engine: Engine, head: HeadState, provider: PushProvider, session: Session): PlanState {
  const { sizeBytes, layout } = head.file;
  const chunkBytes = layout.kind === 'chunks' ? layout.chunkBytes : Math.max(1, sizeBytes);
  const plan: Plan = provider.plan(session, sizeBytes, chunkBytes);
  const partCount = Math.ceil(sizeBytes / plan.partBytes);
  if (!Number.isSafeInteger(plan.partBytes) || plan.partBytes < 1 || partCount > MAX_PARTS || plan.inFlightMax < 1) {
    throw new Fault('bug', 'provider.plan', `${provider.id} planned parts of ${plan.partBytes} bytes`);
  }
  const { partBytes, order } = plan;
  const inFlightMax = order === 'ascending' ? 1 : Math.min(plan.inFlightMax, 64);
  const bare = { partBytes, partCount, inFlightMax, order, stripes: 1 };
  const wanted = Math.ceil(Math.min(engine.limits.parts, inFlightMax) / engine.limits.functionParts);
  return { ...bare, stripes: Math.min(MAX_STRIPES, blockCount(bare), order === 'ascending' ? 1 : wanted) };
}
