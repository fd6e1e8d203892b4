import { describe, expect, test } from 'vitest';
import { Fault, type FaultKind } from '#core/fault.ts';
import { chunkKey } from '#core/wire/keys.ts';
import { Injected } from '../simulation/process.ts';
import { createLab, type Lab, type LabFile, type LabOptions } from './lab.ts';
import { script } from './script.ts';

const fault = (kind: FaultKind) => ({ fails: 'before' as const, error: new Fault(kind, `rig.${kind}`, 'as told') });

async function told(
  call: string,
  fate: Parameters<ReturnType<typeof script>['next']>[1],
  times = 1,
  options: LabOptions = {},
  withinMs = 3 * 3_600_000,
) {
  const fates = script();
  fates.next(call, fate, times);
  const lab = createLab({ ...options, fates });
  const file = await lab.announce({ sizeBytes: 60 });
  await lab.stage(file);
  await lab.ended(file, withinMs);
  return { lab, file, fates, step: (await lab.head(file.transferIds[0]!)).step };
}

function intact(lab: Lab, file: LabFile): boolean {
  const content = lab.delivered('rig', file.transferIds[0]!);
  return content !== null && Buffer.compare(content, file.content) === 0;
}

const CALLS = ['remote.open', 'remote.put', 'remote.finish'];

describe.each(CALLS)('a fault of %s', (call) => {
  test.each(['transient', 'throttled'] as const)('that is %s is survived', async (kind) => {
    const { lab, file, step } = await told(call, fault(kind), 3);
    expect(step.phase).toBe('done');
    expect(intact(lab, file)).toBe(true);
  });

  test('that only waits for its turn is waited for, for days and without a failure', async () => {
    const queued = new Fault('throttled', 'rig.queued', 'as told', { retryAfterMs: 40 * 60_000, isQueued: true });
    const { step, lab, file } = await told(call, { fails: 'before', error: queued }, 200, {}, 200 * 3_600_000);
    expect(step.phase).toBe('done');
    const { failures, events } = await lab.head(file.transferIds[0]!);
    expect(failures).toBe(0);
    expect(events.filter(({ type }) => type === 'queued').length).toBeLessThanOrEqual(1);
  });

  test('that nobody knows is survived a few times', async () => {
    const { step } = await told(call, { fails: 'before', error: new Injected('strange') }, 3);
    expect(step.phase).toBe('done');
  });

  test('that nobody knows and that stays ends the transfer', async () => {
    const { step } = await told(call, { fails: 'before', error: new Injected('strange') }, 99);
    expect(step).toMatchObject({ phase: 'failed', error: { code: 'unknown' } });
  });

  test.each(['auth', 'rejected', 'risk'] as const)(
    'that is %s ends it, and a retry takes it up where it stopped',
    async (kind) => {
      const { lab, file, step } = await told(call, fault(kind));
      expect(step).toMatchObject({ phase: 'failed', error: { code: `rig.${kind}` } });
      await lab.retry(file.transferIds[0]!);
      await lab.ended(file);
      expect(intact(lab, file)).toBe(true);
      expect((await lab.head(file.transferIds[0]!)).attempt).toBe(2);
    },
  );

  test('that says nothing, though it was done, is no second delivery', async () => {
    const { lab, file } = await told(call, { fails: 'after', error: new Injected('no answer') });
    expect(intact(lab, file)).toBe(true);
  });
});

describe('a session that is gone', () => {
  test('is opened anew, and everything is sent again', async () => {
    const { lab, file, step } = await told('remote.put', fault('gone'));
    expect(step.phase).toBe('done');
    expect(intact(lab, file)).toBe(true);
    expect(await lab.head(file.transferIds[0]!)).toMatchObject({ attempt: 2, sessionNo: 2 });
  });

  test('three times ends the transfer, and a retry opens another one', async () => {
    const { lab, file, step } = await told('remote.put', fault('gone'), 3 * 5);
    expect(step).toMatchObject({ phase: 'failed', error: { code: 'rig.gone' } });
    await lab.retry(file.transferIds[0]!);
    await lab.ended(file);
    expect(intact(lab, file)).toBe(true);
  });

  test('before there is one ends the transfer', async () => {
    const { step, fates } = await told('remote.open', fault('gone'), 99);
    expect(step).toMatchObject({ phase: 'failed', error: { code: 'rig.gone' } });
    expect(fates.calls('remote.open')).toBe(1);
  });
});

describe('staged bytes', () => {
  test('that break off while they are read are read again', async () => {
    const { step } = await told('source.read', { fails: 'after' }, 3);
    expect(step.phase).toBe('done');
  });

  test('of another size than announced end the transfer', async () => {
    const lab = createLab();
    const file = await lab.announce({ sizeBytes: 60 });
    lab.world.staging.put(chunkKey(file.upload.uploadId, 3), file.content.slice(0, 4));
    await lab.stage(file, [1, 2]);
    await lab.ended(file);
    expect((await lab.head(file.transferIds[0]!)).step).toMatchObject({
      phase: 'failed',
      error: { code: 'staging.chunk_size' },
    });
  });

  test('that are gone before they were sent end the transfer', async () => {
    const lab = createLab({ rigs: { rig: { putMs: () => 20_000, inFlightMax: 1 } } });
    const file = await lab.announce({ sizeBytes: 60 });
    await lab.stage(file);
    await lab.pass(5_000);
    await lab.world.staging.remove(chunkKey(file.upload.uploadId, 4));
    await lab.ended(file);
    expect((await lab.head(file.transferIds[0]!)).step).toMatchObject({
      phase: 'failed',
      error: { code: 'staging.lost' },
    });
  });
});

test('an inbox object that is replaced while it moves is canceled, and the new one is delivered', async () => {
  const lab = createLab({ rigs: { rig: { putMs: () => 20_000, inFlightMax: 1 } } });
  await lab.putObject('inbox/rig/film.mp4', new Uint8Array(60).fill(1));
  await lab.pass(30_000);
  await lab.putObject('inbox/rig/film.mp4', new Uint8Array(60).fill(2));
  await lab.pass(30 * 60_000);
  const rows = await lab.world.table.owned('local', { limit: 9 });
  expect(rows.map(({ row }) => row.phase).sort()).toEqual(['canceled', 'done']);
  expect(
    lab.world.rigs
      .get('rig')
      ?.files()
      .map(({ content }) => content[0]),
  ).toEqual([2]);
  expect(lab.world.rigs.get('rig')?.sessions()[0]?.state).toBe('discarded');
});

test('a part that is cut off by two budgets in a row ends the transfer with the reason', async () => {
  const lab = createLab({ budgetMs: 5_000, budgetEnds: 'aborts', rigs: { rig: { putMs: () => 60_000 } } });
  const file = await lab.announce({ sizeBytes: 60 });
  await lab.stage(file);
  await lab.ended(file);
  expect((await lab.head(file.transferIds[0]!)).step).toMatchObject({
    phase: 'failed',
    error: { code: 'part.too_slow_for_function' },
  });
});

test('a destination that is still thinking is asked until it has thought', async () => {
  const lab = createLab({ rigs: { rig: { settlingMs: 15 * 60_000 } } });
  const file = await lab.announce({ sizeBytes: 60 });
  await lab.stage(file);
  await lab.ended(file);
  expect((await lab.row(file.transferIds[0]!)).phase).toBe('done');
});
