/** What is counted of transfers, from rumours that come twice, late and never. */
import { expect, test } from 'vitest';
import { virtualClock } from '#adapters/memory/clock.ts';
import { memoryProgress } from '#adapters/memory/progress.ts';
import { TransferId, UploadId } from '#core/wire/ids.ts';
import { isoTime } from '#core/wire/time.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import { countsOf, prometheusText, samplesOf } from './prometheus.ts';
import { tallyOf } from './tally.ts';

const START_MS = 1_800_000_000_000;
const idOf = (n: number): TransferId => TransferId.parse(`trf_${String(n).padStart(26, '0')}`);

function world() {
  const feed = memoryProgress();
  const tally = tallyOf(feed, virtualClock({ seed: 1, startMs: START_MS }));
  const tell = async (...views: Partial<TransferView>[]): Promise<void> => {
    for (const view of views) await feed.publish([{ kind: 'transfer', ownerId: 'local', view: viewOf(view) }]);
    await Promise.resolve();
  };
  return { tally, tell };
}

const ended = (more: Partial<TransferView>): Partial<TransferView> => ({
  status: 'success',
  phase: 'done',
  rank: [1, 9],
  movedBytes: 100,
  endedAt: isoTime(START_MS + 5_000),
  ...more,
});

test('bytes count once each, whatever is told twice, late or of a session that began anew', async () => {
  const { tally, tell } = world();
  await tell({ movedBytes: 30, rank: [1, 3] }, { movedBytes: 30, rank: [1, 3] }, { movedBytes: 10, rank: [1, 1] });
  expect([...tally.movedBytes]).toEqual([['far', 30]]);
  await tell({ movedBytes: 0, rank: [1, 4] }, { movedBytes: 20, rank: [1, 5] }, ended({}), ended({}));
  expect([...tally.movedBytes]).toEqual([['far', 130]]);
  expect([...tally.ended]).toEqual([['success', 1]]);
  expect(tally.delivered).toEqual({ count: 1, seconds: 4 });
  expect(tally.underWay.size).toBe(0);
});

test('what had arrived before a failure is not counted again by the retry that goes on from there', async () => {
  const { tally, tell } = world();
  const error = { code: 'a.one', message: '' };
  await tell({ movedBytes: 30 }, ended({ movedBytes: 30, status: 'failed', error }));
  await tell({ movedBytes: 30, attempt: 2, rank: [2, 3] }, ended({ attempt: 2, rank: [2, 9] }));
  expect([...tally.movedBytes]).toEqual([['far', 100]]);
});

test('what had moved before this process began it did not move, and what was there already nobody moved', async () => {
  const { tally, tell } = world();
  await tell({ movedBytes: 70, startedAt: isoTime(START_MS - 1) }, ended({ startedAt: isoTime(START_MS - 1) }));
  await tell(ended({ id: idOf(2), status: 'quick_success', instant: true, startedAt: isoTime(START_MS + 1) }));
  expect([...tally.movedBytes]).toEqual([['far', 30]]);
  expect([...tally.ended]).toEqual([
    ['success', 1],
    ['quick_success', 1],
  ]);
});

test('bytes of a destination that is not counted apart are not known', async () => {
  const { tally, tell } = world();
  for (let n = 1; n <= 130; n++) await tell(ended({ id: idOf(n), destinationId: `place-${n}` }));
  expect(tally.movedTo('place-1')).toBe(100);
  expect(tally.movedTo('place-130')).toBeNull();
  expect(world().tally.movedTo('place-1')).toBe(0);
});

test('failures count by code, each attempt once; beyond 128 names the rest is other', async () => {
  const { tally, tell } = world();
  const failure = (n: number, attempt: number, code: string) =>
    ended({ id: idOf(n), attempt, rank: [attempt, 9], status: 'failed', error: { code, message: '' } });
  await tell(failure(1, 1, 'a.one'), failure(1, 1, 'a.one'), failure(1, 2, 'a.one'));
  expect([...tally.failures]).toEqual([['a.one', 2]]);
  for (let n = 2; n < 140; n++) await tell(failure(n, 1, `a.code_${n}`));
  expect(tally.failures.size).toBe(129);
  expect(tally.failures.get('other')).toBe(11);
});

test('the text is what Prometheus reads', () => {
  const samples = samplesOf('name', countsOf(['a', 'a', 'say "hi"\\\n']));
  const text = prometheusText([
    { name: 'things', help: 'How many.', type: 'gauge', samples },
    { name: 'none', help: 'Nothing.', type: 'counter', samples: [] },
    { name: 'process_seconds_total', help: 'Time.', type: 'counter', samples: [{ value: 0.5 }] },
  ]);
  expect(text).toBe(`# HELP entrepot_things How many.
# TYPE entrepot_things gauge
entrepot_things{name="a"} 2
entrepot_things{name="say \\"hi\\"\\\\\\n"} 1
# HELP process_seconds_total Time.
# TYPE process_seconds_total counter
process_seconds_total 0.5
`);
});

function viewOf(more: Partial<TransferView>): TransferView {
  return {
    id: idOf(1),
    uploadId: UploadId.parse(`upl_${'0'.repeat(26)}`),
    destinationId: 'far',
    path: '/',
    name: 'x',
    status: 'uploading',
    phase: 'moving',
    wish: null,
    sizeBytes: 100,
    stagedBytes: 100,
    movedBytes: 0,
    partCount: 10,
    partsDone: 0,
    speedBytesPerSecond: 0,
    etaSeconds: null,
    attempt: 1,
    rank: [1, 0],
    error: null,
    receipt: null,
    instant: false,
    createdAt: isoTime(START_MS),
    startedAt: isoTime(START_MS + 1_000),
    endedAt: null,
    ...more,
  };
}
