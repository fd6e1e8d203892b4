/** Finishing: committed before it is begun, and asked about before it is repeated. */
import { Fault } from '#core/fault.ts';
import type { PartReceipt } from '#core/ports/provider.ts';
import type { Release, RowKey } from '#core/ports/work-table.ts';
import { type Finishing, type HeadState, headKey, ReceiptsState, receiptsPrefix } from '#core/state.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import { delivered } from './delivered.ts';
import type { Engine } from './engine.ts';
import { endWith, failure, type HeadStep, type Onward } from './head-step.ts';
import { itemOf } from './item.ts';

const LOOK_AGAIN_MS = 30_000;
const SETTLING_MS = 24 * 60 * 60_000;
const PAGE = 500;

export async function finish(context: HeadStep, finishing: Finishing): Promise<Onward> {
  const { engine, lease, head, provider, signal } = context;
  const isFirst = finishing.startedBy === lease.token && finishing.settlingSince === null;
  const all = { from: 1, to: finishing.plan.partCount };
  if (!isFirst) {
    const holding = await provider.inspect(finishing.session, itemOf(head), all, { signal });
    switch (holding.kind) {
      case 'complete':
        return { release: await finished(context, finishing, holding.receipt) };
      case 'settling':
        return { release: settle(engine, head, finishing, holding.lookAgainMs) };
      case 'gone':
        throw new Fault('gone', 'session.gone', 'the destination has dropped the upload session');
      case 'partial':
        if (lease.unclean && engine.clock.now() - finishing.startedAt < engine.limits.finishPatienceMs) {
          return { release: { to: 'rest', dueAt: engine.clock.now() + LOOK_AGAIN_MS } };
        }
        break;
      default:
        holding satisfies never;
    }
  }
  const { tag } = finishing;
  const receipts = tag === undefined ? await receiptsOf(engine, head) : [{ number: 1, tag }];
  if (receipts.length !== finishing.plan.partCount) {
    throw new Fault('bug', 'engine.receipts', `${receipts.length} receipts for ${finishing.plan.partCount} parts`);
  }
  const receipt = await provider.finish(finishing.session, itemOf(head), receipts, { signal });
  return { release: await finished(context, finishing, receipt) };
}

function finished(context: HeadStep, { plan }: Finishing, receipt: Receipt): Promise<Release> {
  return delivered(context, { receipt, instant: false, parts: plan.partCount });
}

/** The destination has everything and is still thinking: look again when it says so, for a day at most. */
export function settle(engine: Engine, head: HeadState, finishing: Finishing, lookAgainMs: number): Release {
  const now = engine.clock.now();
  const settlingSince = finishing.settlingSince ?? now;
  if (now - settlingSince > SETTLING_MS) {
    const reason = 'the destination accepted the file a day ago and has not confirmed it: look there before you retry';
    return endWith(engine, head, failure(engine, head, new Fault('risk', 'finish.unconfirmed', reason)));
  }
  const state: HeadState = { ...head, step: { ...finishing, settlingSince } };
  return { to: 'rest', dueAt: now + lookAgainMs, advance: { phase: 'finishing', state } };
}

/** Every part's receipt, ascending. */
async function receiptsOf({ table }: Engine, head: HeadState): Promise<PartReceipt[]> {
  const key: RowKey = headKey(head.file.transferId);
  const prefix = receiptsPrefix(head.sessionNo);
  const receipts: PartReceipt[] = [];
  for (let after: string | undefined; ; ) {
    const rows = await table.query(key.pk, prefix, { limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const row of rows) {
      const { have } = ReceiptsState.parse(row.state);
      for (const [number, tag] of Object.entries(have)) receipts.push({ number: Number(number), tag });
    }
    if (rows.length < PAGE) break;
    after = rows.at(-1)?.sk;
  }
  return receipts.sort((a, b) => a.number - b.number);
}
