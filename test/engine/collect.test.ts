import { describe, expect, test } from 'vitest';
import { Fault } from '#core/fault.ts';
import { receiveInbox } from '#core/intake/receive.ts';
import type { Rumour } from '#core/ports/progress.ts';
import type { StagingSource } from '#core/ports/staging.ts';
import { headKey, UPLOAD_QUEUE, uploadKey } from '#core/state.ts';
import { createLab, type Lab } from './lab.ts';
import { script } from './script.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const stagedAt = (lab: Lab) => lab.world.staging.objects().length;

describe('staged bytes', () => {
  test('go soon after the last transfer of their upload is done', async () => {
    const lab = createLab({ rigs: { quick: {}, slow: { putMs: () => 60_000, inFlightMax: 1 } } });
    const file = await lab.announce({ sizeBytes: 50 });
    await lab.stage(file);
    await lab.pass(3 * 60_000);
    expect(stagedAt(lab)).toBe(5);
    await lab.ended(file);
    await lab.pass(60_000);
    expect(stagedAt(lab)).toBe(0);
  });

  test('that are put after the end go too', async () => {
    const lab = createLab();
    const file = await lab.announce({ sizeBytes: 50 });
    await lab.stage(file);
    await lab.ended(file);
    await lab.pass(60_000);
    await lab.stage(file, [2]);
    expect(stagedAt(lab)).toBe(0);
  });

  test('that are put after the end without an event go with the second pass', async () => {
    const lab = createLab();
    const file = await lab.announce({ sizeBytes: 50 });
    await lab.stage(file);
    await lab.ended(file);
    await lab.pass(60_000);
    lab.world.staging.put(`staging/${file.upload.uploadId}/00002`, file.content.slice(10, 20));
    await lab.pass(HOUR_MS);
    expect(stagedAt(lab)).toBe(0);
    expect((await lab.world.table.get(uploadKey(file.upload.uploadId)))?.phase).toBe('removed');
  });

  test('with the history of their transfers go for good a month later, and whoever looks is told', async () => {
    const lab = createLab();
    const file = await lab.announce({ sizeBytes: 50 });
    await lab.stage(file);
    await lab.ended(file);
    const gone: Rumour[] = [];
    lab.world.onPublish = (rumours) => void gone.push(...rumours.filter(({ kind }) => kind === 'removed'));
    await lab.pass(29 * DAY_MS);
    expect(gone).toEqual([]);
    await lab.pass(2 * DAY_MS);
    expect(gone).toMatchObject([{ kind: 'removed', transferIds: file.transferIds }]);
    expect(await lab.world.table.get(headKey(file.transferIds[0]!))).toBeNull();
  });

  test('of a failed transfer stay a week, for a retry', async () => {
    const fates = script();
    fates.next('remote.put', { fails: 'before', error: new Fault('rejected', 'rig.full', 'no room') }, 5);
    const lab = createLab({ fates });
    const file = await lab.announce({ sizeBytes: 50 });
    await lab.stage(file);
    await lab.ended(file);
    await lab.pass(6 * DAY_MS);
    expect(stagedAt(lab)).toBe(5);
    await lab.retry(file.transferIds[0]!);
    await lab.ended(file);
    expect((await lab.row(file.transferIds[0]!)).phase).toBe('done');
    await lab.pass(HOUR_MS);
    expect(stagedAt(lab)).toBe(0);
  });

  test('of a failed transfer go after a week, its session is given up, and a retry is refused', async () => {
    const fates = script();
    fates.next('remote.put', { fails: 'before', error: new Fault('rejected', 'rig.full', 'no room') }, 5);
    const lab = createLab({ fates });
    const file = await lab.announce({ sizeBytes: 50 });
    await lab.stage(file);
    await lab.ended(file);
    await lab.pass(8 * DAY_MS);
    expect(stagedAt(lab)).toBe(0);
    expect(lab.world.rigs.get('rig')?.sessions()[0]?.state).toBe('discarded');
    await expect(lab.retry(file.transferIds[0]!)).rejects.toMatchObject({ code: 'upload.expired' });
  });
});

describe('an upload', () => {
  test('that nobody goes on with is canceled after a week', async () => {
    const lab = createLab();
    const file = await lab.announce({ sizeBytes: 50 });
    await lab.stage(file, [1, 2]);
    await lab.pass(6 * DAY_MS);
    expect((await lab.row(file.transferIds[0]!)).phase).toBe('moving');
    await lab.pass(2 * DAY_MS);
    expect((await lab.row(file.transferIds[0]!)).phase).toBe('canceled');
    expect(stagedAt(lab)).toBe(0);
  });

  test('that goes on slowly lives three weeks at most', async () => {
    const lab = createLab();
    const file = await lab.announce({ sizeBytes: 90 });
    for (const number of [1, 2, 3, 4]) {
      await lab.stage(file, [number]);
      await lab.pass(5 * DAY_MS);
      expect((await lab.row(file.transferIds[0]!)).phase).toBe('moving');
    }
    await lab.stage(file, [5]);
    await lab.pass(2 * DAY_MS);
    expect((await lab.row(file.transferIds[0]!)).phase).toBe('canceled');
  });

  test('whose maker died half way gets the transfers that are missing', async () => {
    const fates = script();
    fates.next('table.create', {});
    fates.next('table.create', { dies: 'before' });
    const lab = createLab({ fates, rigs: { a: {}, b: {} } });
    const file = await lab.announce({ sizeBytes: 50 });
    expect(await lab.world.table.get(headKey(file.transferIds[0]!))).toBeNull();
    await lab.stage(file);
    await lab.until(async () => (await lab.world.table.get(headKey(file.transferIds[1]!))) !== null, 70_000);
    await lab.ended(file);
  });

  test('leaves its history and nothing else, and after a month not even that', async () => {
    const lab = createLab({ rigs: { rig: { needs: ['sha1'] } } });
    const file = await lab.announce({ sizeBytes: 50 });
    await lab.stage(file);
    await lab.ended(file);
    await lab.pass(HOUR_MS);
    const rows = async () => [
      ...(await lab.world.table.query(`U#${file.upload.uploadId}`, '')),
      ...(await lab.world.table.query(`T#${file.transferIds[0]}`, '')),
    ];
    expect((await rows()).map(({ sk }) => sk)).toEqual(['@', '@']);
    await lab.pass(31 * DAY_MS);
    expect(await rows()).toEqual([]);
  });
});

test('an inbox object stays a day after it was delivered, and goes if it is still the same', async () => {
  const lab = createLab();
  await lab.putObject('inbox/rig/film.mp4', new Uint8Array(30));
  await lab.pass(23 * HOUR_MS);
  expect(stagedAt(lab)).toBe(1);
  await lab.pass(2 * HOUR_MS);
  expect(stagedAt(lab)).toBe(0);
});

describe('where a store cannot remove what is still the same', () => {
  const keeping = (source: StagingSource): StagingSource => ({
    ...source,
    remove: async (key, version) => (version === undefined ? source.remove(key) : false),
  });

  test('an inbox object is delivered once, and remembered until it is gone', async () => {
    const lab = createLab({ sabotage: { source: keeping } });
    const key = 'inbox/rig/film.mp4';
    await lab.putObject(key, new Uint8Array(30));
    await lab.pass(40 * DAY_MS);
    expect(stagedAt(lab)).toBe(1);
    await receiveInbox(lab.world.intake(lab.process('listing')));
    const uploads = () => lab.world.table.due(UPLOAD_QUEUE, Number.MAX_SAFE_INTEGER, 10);
    const [upload] = await uploads();
    expect(await uploads()).toHaveLength(1);
    // By the store's own rules, or by a person.
    await lab.world.staging.remove(key);
    await lab.pass(8 * DAY_MS);
    expect(await uploads()).toEqual([]);
    expect((await lab.world.table.get(upload!))?.phase).toBe('removed');
    await lab.pass(31 * DAY_MS);
    expect(await lab.world.table.get(upload!)).toBeNull();
  });
});
