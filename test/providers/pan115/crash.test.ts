/** A death before and after each request, to 115 or to its bucket, carried on by another process from what was committed. */
import { expect, it } from 'vitest';
import { Fault } from '#core/fault.ts';
import type { Item, PartReceipt, PushProvider, Session } from '#core/ports/provider.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import { bytesOf, ctx, itemOf, partOf } from '../../contract/push-rig.ts';
import { know } from '../../fakes/pan115/world.ts';
import { answered } from './answers.ts';
import { type Pan115Rig, pan115Rig } from './rig.ts';

const PART = 102_400;
const ROUNDS_MAX = 10;

/** What survives a death. */
interface Journal {
  item: Item;
  session: Session | null;
  receipts: Map<number, PartReceipt>;
  phase: 'moving' | 'finishing';
}

const stories = [
  ['an empty file', 'open', 0, 'new', ['115', 'the bucket']],
  ['a file of two parts', 'open', PART + 5, 'new', ['115', 'the bucket']],
  ['a file that 115 knows', 'open', PART + 5, 'known', ['115', 'the bucket']],
  // The form goes to the bucket that the fake 115 plays.
  ['a file in a form', 'cookie', PART, 'new', ['115']],
  ['a small file that 115 knows', 'cookie', PART, 'known', ['115']],
] as const;
const cases = stories.flatMap(([what, way, sizeBytes, content, sides]) =>
  sides.flatMap((side) =>
    (['before it is done', 'after it is done'] as const).map(
      (done) => [what, side, done, way, sizeBytes, content] as const,
    ),
  ),
);

it.each(cases)(
  '%s arrives whole and once, whichever request to %s the death comes %s',
  async (_what, side, done, way, sizeBytes, known) => {
    for (let n = 1; ; n++) {
      await using rig = await pan115Rig(way, { challengeFromBytes: 1_000 });
      const content = bytesOf(sizeBytes);
      if (known === 'known') know(rig.fake.world, Buffer.from(content));
      const item = await itemOf(rig.provider(), content, { folder: '/影视/2025' });
      const dying = side === '115' ? rig.fake : rig.oss;
      dying.cutFrom(n, done);
      const { receipt, isReached } = await deliver(rig, dying, item, content);
      expect(await rig.readReceipt(item, receipt), `death at request ${n}`).toEqual(Buffer.from(content));
      expect(rig.files(), `death at request ${n}`).toHaveLength(1);
      // An upload whose id never came back is all that may be left.
      expect(rig.oss.store.uploads.size).toBeLessThanOrEqual(1);
      if (!isReached) return;
      expect(n).toBeLessThan(40);
    }
  },
);

async function deliver(
  rig: Pan115Rig,
  dying: { mend(): boolean },
  item: Item,
  content: Uint8Array<ArrayBuffer>,
): Promise<{ readonly receipt: Receipt; readonly isReached: boolean }> {
  const journal: Journal = { item, session: null, receipts: new Map(), phase: 'moving' };
  let isReached = false;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    try {
      const receipt = await live(rig.provider(), content, journal);
      return { receipt, isReached: dying.mend() || isReached };
    } catch (error) {
      isReached = dying.mend() || isReached;
      if (!(error instanceof Fault)) throw error;
      if (error.kind === 'gone') Object.assign(journal, { session: null, receipts: new Map(), phase: 'moving' });
      else if (error.kind !== 'transient') throw error;
    }
  }
  throw new Error('it does not come to an end');
}

/** One process: what the engine does, without its table. */
async function live(provider: PushProvider, content: Uint8Array<ArrayBuffer>, journal: Journal): Promise<Receipt> {
  while (journal.session === null) {
    const opening = await provider.open(journal.item, ctx);
    if (opening.kind === 'done') return opening.receipt;
    if (opening.kind === 'ready') journal.session = opening.session;
    else journal.item = answered(journal.item, opening.asks, content);
  }
  const { session, item } = journal;
  const plan = provider.plan(session, item.sizeBytes, PART);
  const partCount = Math.ceil(item.sizeBytes / plan.partBytes);
  const opened = { provider, item, content, session, plan, partCount };
  if (journal.phase === 'moving') {
    for (let number = 1; number <= partCount; number++) {
      if (journal.receipts.has(number)) continue;
      journal.receipts.set(number, await provider.put(session, item, partOf(opened, number), ctx));
    }
    journal.phase = 'finishing';
  } else {
    const holding = await provider.inspect(session, item, { from: 1, to: Math.max(1, partCount) }, ctx);
    if (holding.kind === 'complete') return holding.receipt;
    if (holding.kind === 'gone') throw new Fault('gone', 'test.gone', 'the session is over');
  }
  return provider.finish(session, item, [...journal.receipts.values()], ctx);
}
