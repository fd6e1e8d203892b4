import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type VirtualClock, virtualClock } from '#adapters/memory/clock.ts';
import { memoryProgress } from '#adapters/memory/progress.ts';
import type { Rumour } from '#core/ports/progress.ts';
import { progressHub } from '#core/progress/hub.ts';
import type { ServerFrame } from '#core/wire/socket.ts';
import { isNews, type TransferView } from '#core/wire/transfer.ts';
import { doneView, MEBIBYTE, movedView, transferId, transferView, uploadId } from './views.ts';

const OWNER = 'local';

function rig(table: (clock: VirtualClock) => Promise<readonly TransferView[]> = async () => []) {
  const clock = virtualClock({ seed: 1, startMs: 1_800_000_000_000 });
  const progress = memoryProgress();
  let reads = 0;
  const hub = progressHub({
    feed: progress,
    clock,
    epoch: 'epoch-1',
    readTransfers: () => {
      reads++;
      return table(clock);
    },
  });
  const tell = (...views: readonly TransferView[]) =>
    progress.publish(views.map((view) => ({ kind: 'transfer', ownerId: OWNER, view })));
  return { clock, progress, hub, tell, reads: () => reads };
}

type Rig = ReturnType<typeof rig>;

/** A viewer that keeps what it is told with the time of telling; `isSlow` makes it take nothing. */
function watch({ hub, clock }: Rig, ownerId = OWNER) {
  const frames: { readonly atMs: number; readonly frame: ServerFrame }[] = [];
  const viewer = { isSlow: false };
  const subscription = hub.subscribe(ownerId, (frame) => {
    if (viewer.isSlow) return 'full';
    frames.push({ atMs: clock.now(), frame });
    return 'sent';
  });
  const changes = () => frames.flatMap(({ frame }) => (frame.event === 'changes' ? [frame.data] : []));
  const snapshots = () => frames.flatMap(({ frame }) => (frame.event === 'snapshot' ? [frame.data] : []));
  const seen = () => [...snapshots(), ...changes()].flatMap(({ transfers }) => transfers);
  return { viewer, frames, changes, snapshots, seen, ...subscription };
}

function staged(number: number, chunks: readonly number[]): Rumour {
  return {
    kind: 'staged',
    ownerId: OWNER,
    uploadId: uploadId(number),
    chunks: chunks.map((chunk) => ({ number: chunk, sizeBytes: 10 * MEBIBYTE })),
  };
}

describe('progress hub', () => {
  it('greets, then tells the table as a snapshot, then changes with a seq that rises by one', async () => {
    const lab = rig(async () => [movedView(1, 2)]);
    const viewer = watch(lab);
    await lab.clock.advance(1000);
    for (const parts of [3, 4, 5]) {
      await lab.tell(movedView(1, parts));
      await lab.clock.advance(1000);
    }
    expect(viewer.frames.map(({ frame }) => frame.event)).toEqual([
      'connection:established',
      'snapshot',
      'changes',
      'changes',
      'changes',
    ]);
    expect(viewer.snapshots()).toEqual([{ epoch: 'epoch-1', seq: 0, transfers: [movedView(1, 2)] }]);
    expect(viewer.changes().map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  it('tells what it missed as soon as it is told to catch up, and asks for nobody who does not watch', async () => {
    let parts = 1;
    const lab = rig(async () => [movedView(1, parts)]);
    await lab.tell(movedView(2, 1));
    lab.hub.catchUp();
    expect(lab.reads()).toBe(0);
    const viewer = watch(lab);
    await lab.clock.advance(1000);
    parts = 7;
    lab.hub.catchUp();
    await lab.clock.advance(1000);
    expect(viewer.changes().flatMap(({ transfers }) => transfers)).toEqual([movedView(1, 7)]);
  });

  it('tells many rumours in one frame, at most one frame in 500 ms, the newest of each transfer', async () => {
    const lab = rig();
    const viewer = watch(lab);
    await lab.clock.advance(1000);
    for (let step = 1; step <= 100; step++) {
      await lab.tell(movedView(1, Math.ceil(step / 10)), movedView(2, Math.ceil(step / 20)));
      await lab.clock.advance(20);
    }
    await lab.clock.advance(1000);
    const told = viewer.frames.filter(({ frame }) => frame.event === 'changes');
    expect(told.length).toBeLessThanOrEqual(5);
    const gaps = told.slice(1).map(({ atMs }, index) => atMs - (told[index]?.atMs ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(500);
    expect(
      viewer
        .changes()
        .at(-1)
        ?.transfers.map(({ partsDone }) => partsDone),
    ).toEqual([10, 5]);
  });

  it('says nothing while nothing changes', async () => {
    const lab = rig(async () => [movedView(1, 2)]);
    const viewer = watch(lab);
    await lab.clock.advance(1000);
    for (let step = 0; step < 10; step++) {
      await lab.tell(movedView(1, 2), movedView(1, 1));
      await lab.clock.advance(1000);
    }
    expect(viewer.frames).toHaveLength(2);
    expect(lab.clock.next()).toBeNull();
  });

  it('a viewer never sees a transfer go back, whatever the order of rumours, and ends with the newest', async () => {
    const history = [...Array.from({ length: 11 }, (_, parts) => movedView(1, parts)), doneView(1)];
    const order = fc.array(fc.nat({ max: history.length - 1 }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(order, fc.nat({ max: history.length - 1 }), async (indexes, tableIndex) => {
        const inTable = [history[tableIndex]].filter((view) => view !== undefined);
        const lab = rig(async () => inTable);
        const viewer = watch(lab);
        for (const index of indexes) {
          const view = history[index];
          if (view !== undefined) await lab.tell(view);
          await lab.clock.advance(130);
          if (index % 7 === 0) viewer.resync();
        }
        await lab.clock.advance(1000);
        const ordered = viewer.frames.flatMap(({ frame }) => ('transfers' in frame.data ? frame.data.transfers : []));
        for (const [at, view] of ordered.entries()) expect(isNews(ordered[at - 1], view)).toBe(true);
        expect(ordered.at(-1)).toEqual(history[Math.max(tableIndex, ...indexes)]);
      }),
      { numRuns: 40 },
    );
  });

  it('the last phase reaches a viewer that was slow all the time, in one frame', async () => {
    const lab = rig();
    const slow = watch(lab);
    const quick = watch(lab);
    await lab.clock.advance(1000);
    slow.viewer.isSlow = true;
    for (let parts = 1; parts <= 10; parts++) {
      await lab.tell(movedView(1, parts));
      await lab.clock.advance(600);
    }
    await lab.tell(doneView(1), movedView(1, 9));
    await lab.clock.advance(600);
    expect(quick.changes()).toHaveLength(11);
    expect(slow.changes()).toHaveLength(0);
    slow.viewer.isSlow = false;
    await lab.clock.advance(600);
    expect(slow.changes()).toEqual([{ seq: 1, transfers: [doneView(1)], removed: [] }]);
  });

  it('what is gone is told once, also to the slow, and of it nothing else; a snapshot has it no more', async () => {
    const lab = rig();
    const gone = (...numbers: readonly number[]) =>
      lab.progress.publish([{ kind: 'removed', ownerId: OWNER, transferIds: numbers.map(transferId) }]);
    const quick = watch(lab);
    const slow = watch(lab);
    await lab.clock.advance(1000);
    await lab.tell(doneView(1), doneView(2), doneView(3));
    await lab.clock.advance(1000);
    slow.viewer.isSlow = true;
    await lab.tell(movedView(4, 1));
    await gone(1, 4);
    await lab.clock.advance(1000);
    await gone(2);
    await lab.clock.advance(1000);
    slow.viewer.isSlow = false;
    await lab.clock.advance(1000);
    expect(quick.changes().slice(1)).toMatchObject([
      { seq: 2, transfers: [], removed: [transferId(1), transferId(4)] },
      { seq: 3, transfers: [], removed: [transferId(2)] },
    ]);
    expect(slow.changes().slice(1)).toMatchObject([{ seq: 2, removed: [1, 4, 2].map(transferId) }]);
    slow.resync();
    await lab.clock.advance(1000);
    expect(
      slow
        .snapshots()
        .at(-1)
        ?.transfers.map(({ id }) => id),
    ).toEqual([transferId(3)]);
    expect(lab.hub.stats().uploads).toBe(1);
  });

  it('what is gone and told of anew is there again, and nobody hears that for whom it is not', async () => {
    const lab = rig();
    const viewer = watch(lab);
    const other = watch(lab, 'other');
    await lab.clock.advance(1000);
    await lab.progress.publish([{ kind: 'removed', ownerId: OWNER, transferIds: [transferId(1)] }]);
    await lab.tell(doneView(1));
    await lab.clock.advance(1000);
    expect(viewer.changes()).toEqual([{ seq: 1, transfers: [doneView(1)], removed: [] }]);
    expect(other.changes()).toEqual([]);
  });

  it('a viewer too far behind gets a snapshot instead of everything', async () => {
    const lab = rig();
    const slow = watch(lab);
    await lab.clock.advance(1000);
    slow.viewer.isSlow = true;
    for (let number = 1; number <= 2100; number++) await lab.tell(movedView(number, 1));
    await lab.clock.advance(1000);
    slow.viewer.isSlow = false;
    await lab.clock.advance(1000);
    expect(slow.snapshots()).toHaveLength(2);
    expect(slow.snapshots()[1]?.transfers).toHaveLength(200);
  });

  it('a viewer that throws is dropped, and harms nobody', async () => {
    const lab = rig();
    let calls = 0;
    lab.hub.subscribe(OWNER, (frame) => {
      calls++;
      if (frame.event === 'snapshot') throw new Error('a socket that broke');
      return 'sent';
    });
    const other = watch(lab);
    await lab.clock.advance(1000);
    await lab.tell(movedView(1, 1));
    await lab.clock.advance(1000);
    expect(calls).toBe(2);
    expect(other.changes()).toHaveLength(1);
    expect(lab.hub.stats().viewers).toBe(1);
  });

  it('staged bytes grow with rumours about chunks, each chunk once, never beyond the size', async () => {
    const lab = rig(async () => [transferView(1, { phase: 'staging', status: 'pending' })]);
    const viewer = watch(lab);
    await lab.clock.advance(1000);
    for (const chunks of [[3, 1], [1], [2, 3], [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, -1, 10_001]]) {
      await lab.progress.publish([staged(1, chunks)]);
      await lab.clock.advance(1000);
    }
    const bytes = viewer.changes().flatMap(({ transfers }) => transfers.map(({ stagedBytes }) => stagedBytes));
    expect(bytes.map((each) => each / MEBIBYTE)).toEqual([20, 30, 100]);
  });

  it('staged bytes known from rumours are kept by a newer view that knows less', async () => {
    const lab = rig();
    const viewer = watch(lab);
    await lab.progress.publish([staged(1, [1, 2, 3])]);
    await lab.tell(movedView(1, 1));
    await lab.clock.advance(1000);
    expect(viewer.seen().at(-1)?.stagedBytes).toBe(30 * MEBIBYTE);
  });

  it('chunks of an upload that nobody was told of make the hub ask the table, once', async () => {
    const inTable: TransferView[] = [];
    const lab = rig(async () => inTable);
    const viewer = watch(lab);
    await lab.clock.advance(1000);
    inTable.push(transferView(1, { phase: 'staging', status: 'pending' }));
    for (const chunk of [1, 2]) await lab.progress.publish([staged(1, [chunk]), staged(7, [chunk])]);
    await lab.clock.advance(1000);
    expect(viewer.seen().map(({ id, stagedBytes }) => [id, stagedBytes])).toEqual([
      [transferView(1).id, 20 * MEBIBYTE],
    ]);
    expect(lab.reads()).toBeLessThanOrEqual(3);
  });

  it('questions go out at once, and wait for a slow viewer', async () => {
    const lab = rig();
    const viewer = watch(lab);
    await lab.clock.advance(1000);
    const asks = [{ id: 'q1', algorithm: 'sha1' as const, start: 0, end: 128 }];
    await lab.tell(movedView(1, 1));
    await lab.progress.publish([{ kind: 'ask', ownerId: OWNER, uploadId: uploadId(1), asks }]);
    await lab.clock.advance(1);
    expect(viewer.frames.at(2)?.frame).toEqual({ event: 'ask', data: { uploadId: uploadId(1), asks } });
    viewer.viewer.isSlow = true;
    await lab.progress.publish([{ kind: 'ask', ownerId: OWNER, uploadId: uploadId(2), asks }]);
    await lab.clock.advance(1000);
    viewer.viewer.isSlow = false;
    await lab.clock.advance(1000);
    expect(viewer.frames.at(-1)?.frame).toEqual({ event: 'ask', data: { uploadId: uploadId(2), asks } });
  });

  it('nobody hears of the transfers of another owner', async () => {
    const lab = rig();
    const mine = watch(lab);
    const other = watch(lab, 'somebody else');
    await lab.tell(movedView(1, 1));
    await lab.progress.publish([staged(1, [1])]);
    await lab.clock.advance(1000);
    expect(mine.seen()).toHaveLength(1);
    expect(other.seen()).toEqual([]);
  });

  it('a resync is answered with the newest, and the seq goes on', async () => {
    const lab = rig();
    const viewer = watch(lab);
    await lab.clock.advance(1000);
    await lab.tell(movedView(1, 1));
    await lab.clock.advance(1000);
    await lab.tell(movedView(2, 3));
    for (let again = 0; again < 20; again++) viewer.resync();
    await lab.clock.advance(1000);
    await lab.tell(movedView(1, 2));
    await lab.clock.advance(1000);
    expect(viewer.snapshots().map(({ seq, transfers }) => [seq, transfers.length])).toEqual([
      [0, 0],
      [1, 2],
    ]);
    expect(viewer.changes().map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it('a table that cannot be read is asked again, ever more seldom; one that hangs is given up', async () => {
    let mode: 'fails' | 'hangs' | 'works' = 'fails';
    const lab = rig(() => {
      if (mode === 'hangs') return new Promise(() => undefined);
      return mode === 'works' ? Promise.resolve([movedView(1, 1)]) : Promise.reject(new Error('no table'));
    });
    const viewer = watch(lab);
    await lab.clock.advance(30_000);
    expect(viewer.snapshots()).toEqual([]);
    expect(lab.reads()).toBeLessThan(12);
    mode = 'hangs';
    await lab.clock.advance(20_000);
    mode = 'works';
    await lab.clock.advance(20_000);
    expect(viewer.snapshots()).toHaveLength(1);
  });

  it('two hundred viewers who come together cost two reads of the table', async () => {
    const lab = rig(async (clock) => {
      await clock.sleep(10);
      return [movedView(1, 1)];
    });
    const viewers = Array.from({ length: 200 }, () => watch(lab));
    await lab.clock.advance(1000);
    expect(viewers.every((viewer) => viewer.snapshots().length === 1)).toBe(true);
    expect(lab.reads()).toBeLessThanOrEqual(2);
    for (const viewer of viewers) viewer.close();
    expect(lab.hub.stats()).toMatchObject({ viewers: 0, owners: 0 });
    expect(lab.clock.next()).toBeNull();
  });

  it('what ended leaves after an hour, what goes on stays, and there is a bound to both', async () => {
    const lab = rig();
    await lab.tell(doneView(1), movedView(2, 1));
    await lab.clock.advance(3_600_000);
    await lab.tell(movedView(3, 1));
    await lab.clock.advance(1);
    expect(lab.hub.stats().uploads).toBe(2);
    for (let number = 10; number < 2500; number++) await lab.tell(number % 2 ? doneView(number) : movedView(number, 1));
    await lab.clock.advance(1);
    expect(lab.hub.stats().uploads).toBe(2000);
    const viewer = watch(lab);
    await lab.clock.advance(1);
    expect(viewer.snapshots()[0]?.transfers.every(({ phase }) => phase === 'moving')).toBe(true);
  });

  it('owners whom nobody watches are bounded', async () => {
    const lab = rig();
    const rumours: Rumour[] = Array.from({ length: 1500 }, (_, number) => ({
      kind: 'transfer',
      ownerId: `owner-${number}`,
      view: movedView(number, 1),
    }));
    for (const rumour of rumours) await lab.progress.publish([rumour]);
    await lab.clock.advance(1);
    expect(lab.hub.stats().uploads).toBeLessThanOrEqual(1001);
  });
});
