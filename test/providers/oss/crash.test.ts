/** A death before and after each request of a transfer, carried on by another process from what the first has committed. */
import { expect, it } from 'vitest';
import { Fault } from '#core/fault.ts';
import type { Item, PartReceipt, PushProvider, Session } from '#core/ports/provider.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import { bytesOf, ctx, itemOf, partOf } from '../../contract/push-rig.ts';
import { type OssRig, ossRig } from './rig.ts';

const PART = 102_400;
const ROUNDS_MAX = 10;

/** What survives a death. */
interface Journal {
  session: Session | null;
  receipts: Map<number, PartReceipt>;
  phase: 'moving' | 'finishing';
}

const cases = (['replace', 'rename', 'fail'] as const).flatMap((rule) =>
  [0, 3 * PART + 5].flatMap((sizeBytes) =>
    (['before it is done', 'after it is done'] as const).map((done) => [rule, sizeBytes, done] as const),
  ),
);

it.each(cases)(
  'with %s, %d bytes arrive whole and once, whichever request the death comes %s',
  async (rule, sizeBytes, done) => {
    for (let n = 1; ; n++) {
      await using rig = await ossRig(rule);
      const content = bytesOf(sizeBytes);
      const item = await itemOf(rig.provider(), content);
      rig.fake.cutFrom(n, done);
      const { receipt, isReached } = await deliver(rig, item, content);
      expect(await rig.readReceipt(item, receipt), `death at request ${n}`).toEqual(Buffer.from(content));
      expect(rig.fake.store.objects.size).toBe(1);
      // An upload whose id never came back is all that may be left.
      expect(rig.fake.store.uploads.size).toBeLessThanOrEqual(1);
      if (!isReached) return;
      expect(n).toBeLessThan(40);
    }
  },
);

async function deliver(rig: OssRig, item: Item, content: Uint8Array<ArrayBuffer>) {
  const journal: Journal = { session: null, receipts: new Map(), phase: 'moving' };
  let isReached = false;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    try {
      const receipt = await live(rig.provider(), item, content, journal);
      return { receipt, isReached: rig.fake.mend() || isReached };
    } catch (error) {
      isReached = rig.fake.mend() || isReached;
      if (!(error instanceof Fault)) throw error;
      if (error.kind === 'gone') restart(journal);
      else if (error.kind !== 'transient') throw error;
    }
  }
  throw new Error('it does not come to an end');
}

/** One process: what the engine does, without its table. */
async function live(
  provider: PushProvider,
  item: Item,
  content: Uint8Array<ArrayBuffer>,
  journal: Journal,
): Promise<Receipt> {
  if (journal.session === null) {
    const opening = await provider.open(item, ctx);
    if (opening.kind === 'done') return opening.receipt;
    if (opening.kind === 'ask') throw new Error('nothing was to be asked');
    journal.session = opening.session;
  }
  const { session } = journal;
  const plan = provider.plan(session, item.sizeBytes, PART);
  const partCount = Math.ceil(item.sizeBytes / plan.partBytes);
  const opened = { provider, item, content, session, plan, partCount };
  if (journal.phase === 'moving') {
    const missing = Array.from({ length: partCount }, (_, at) => at + 1).filter(
      (number) => !journal.receipts.has(number),
    );
    for (const number of missing)
      journal.receipts.set(number, await provider.put(session, item, partOf(opened, number), ctx));
    journal.phase = 'finishing';
  } else {
    const holding = await provider.inspect(session, item, { from: 1, to: Math.max(1, partCount) }, ctx);
    if (holding.kind === 'complete') return holding.receipt;
    if (holding.kind === 'gone') throw new Fault('gone', 'test.gone', 'the session is over');
  }
  return provider.finish(session, item, [...journal.receipts.values()], ctx);
}

function restart(journal: Journal): void {
  Object.assign(journal, { session: null, receipts: new Map(), phase: 'moving' });
}
