/** Laws of the lane in which a destination asks and a relay answers. */
import { expect, test } from 'vitest';
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { type PushProvider, pushProvider } from '#core/ports/provider.ts';
import { askedQueue, channelKey, headKey } from '#core/state.ts';
import { advance } from '#core/transfer/advance.ts';
import { cancel, pause, resume, retry } from '#core/transfer/wishes.ts';
import type { AskingHabit } from '../fakes/asking/session.ts';
import { digestOf } from '../simulation/streams.ts';
import { createServeLab, expectNoStaleView, FAR, type ServedFile, type ServeLab } from './serve-lab.ts';

test.each<[string, number, readonly AskingHabit[]]>([
  ['a file of many reads', 95, []],
  ['an empty file', 0, []],
  ['an empty file that is read all the same', 0, ['past the end']],
  [
    'reads out of order, twice, overlapping and past the end',
    95,
    ['out of order', 'repeats', 'overlaps', 'past the end'],
  ],
  ['questions about files of others', 55, ['speaks of others']],
  ['questions that come before the session is known', 55, ['asks before open answers']],
  ['an end that is told to nobody', 55, ['forgets to tell the end']],
  ['a destination that tells no progress', 55, ['tells no progress']],
])('%s: what was staged arrives byte for byte, once', async (_title, sizeBytes, habits) => {
  const lab = createServeLab({ far: { habits: new Set(habits) } });
  lab.relay();
  const file = await lab.announce({ sizeBytes });
  await lab.stage(file);
  await lab.ended(file);
  await expectDone(lab, file);
  expect(lab.errors).toEqual([]);
});

test('a session is opened before a byte is staged, and reads wait for their bytes while others go on', async () => {
  const lab = createServeLab({ feed: 'told' });
  lab.relay();
  const [slow, quick] = [await lab.announce({ sizeBytes: 35 }), await lab.announce({ sizeBytes: 45 })];
  await lab.until(() => lab.far.sessions.length === 2);
  await lab.stage(slow, [2]);
  await lab.stage(quick);
  await lab.ended(quick);
  expect((await lab.head(slow.id)).step.phase).toBe('moving');
  await lab.stage(slow, [4, 1, 3]);
  await lab.ended(slow);
  await expectDone(lab, slow);
  await expectDone(lab, quick);
});

test('without any news of chunks they are found by looking', async () => {
  const lab = createServeLab();
  lab.relay();
  const file = await lab.announce({ sizeBytes: 75 });
  for (const number of [3, 1, 2, 8, 7, 6, 5, 4]) {
    await lab.pass(3_000);
    await lab.stage(file, [number]);
  }
  await lab.ended(file);
  await expectDone(lab, file);
});

test('a function that is handed the row leaves it alone, and no sweep finds it', async () => {
  const lab = createServeLab();
  const file = await lab.announce({ sizeBytes: 15 });
  await lab.stage(file);
  const before = await lab.row(file.id);
  const budget = { remainingMs: () => 60_000, signal: new AbortController().signal };
  await advance(lab.engine('fn'), headKey(file.id), budget);
  await lab.pass(10 * 60_000);
  expect(await lab.row(file.id)).toEqual(before);
});

test('a row that was made while nobody could tell that its destination asks is passed on to relays', async () => {
  let isConnected = false;
  const lab = createServeLab({ isConnected: () => isConnected });
  const file = await lab.announce({ sizeBytes: 25 });
  expect(await lab.row(file.id)).toMatchObject({ queue: `dest#${FAR}` });
  isConnected = true;
  await lab.stage(file);
  lab.relay();
  await lab.ended(file);
  await expectDone(lab, file);
});

test('a row of a destination that does not ask any more is passed on to functions', async () => {
  let instead: PushProvider | null = null;
  const lab = createServeLab({ instead: () => instead });
  const file = await lab.announce({ sizeBytes: 25 });
  const receipt = { evidence: 'C', sizeBytes: 25, location: '/there' } as const;
  instead = pushProvider(z.string(), {
    id: 'pushed',
    needs: [],
    instant: 'never',
    open: async () => ({ kind: 'done', receipt }),
    plan: () => ({ partBytes: 10, inFlightMax: 1, order: 'any' }),
    put: async (_session, _item, { number }) => ({ number, tag: '' }),
    inspect: async () => ({ kind: 'gone' }),
    finish: async () => receipt,
    discard: async () => undefined,
    check: async () => ({ message: 'takes everything' }),
  });
  lab.relay();
  await lab.until(async () => (await lab.row(file.id)).queue === `dest#${FAR}`);
  await lab.stage(file);
  await lab.ended(file);
  expect((await lab.head(file.id)).step).toMatchObject({ phase: 'done', receipt });
});

test('digests are computed from staged bytes, with blocks, while they are still being staged', async () => {
  const lab = createServeLab({ far: { digests: ['md5', 'sha1'], blockBytes: 7 } });
  lab.relay();
  const file = await lab.announce({ sizeBytes: 64 });
  await lab.stage(file, [1, 2, 3]);
  await lab.pass(5_000);
  expect(lab.views(file.id).at(-1)?.status).toBe('hashing');
  await lab.stage(file, [4, 5, 6, 7]);
  await lab.ended(file);
  await expectDone(lab, file);
});

test('a digest that the client brought is given at once, and a wrong one fails the transfer', async () => {
  for (const [seed, phase] of [
    [1, 'done'],
    [2, 'failed'],
  ] as const) {
    const lab = createServeLab({ far: { habits: new Set(['tells no progress']) } });
    lab.relay();
    const content = new TextEncoder().encode('what the client has, and what it says about it');
    const sha1 = digestOf('sha1', seed === 1 ? content : content.slice(1));
    const file = await lab.announce({
      sizeBytes: content.byteLength,
      content,
      digests: seed === 1 ? { sha1 } : { sha256: sha1.padEnd(64, '0') },
    });
    await lab.stage(file);
    await lab.ended(file);
    expect((await lab.head(file.id)).step).toMatchObject(
      phase === 'failed' ? { phase, error: { code: 'digest.mismatch' } } : { phase },
    );
  }
});

test('what the destination has without a byte of ours is an instant upload', async () => {
  const lab = createServeLab({ far: { sample: { ranges: () => [{ start: 0, end: 4 }], holds: () => true } } });
  lab.relay();
  const file = await lab.announce({ sizeBytes: 400, digests: { sha1: '0'.repeat(40) } });
  await lab.stage(file, [1]);
  await lab.ended(file);
  expect((await lab.head(file.id)).step).toMatchObject({ phase: 'done', instant: true });
  expect(lab.views(file.id).at(-1)?.status).toBe('quick_success');
});

test('what is settled later is finishing until then', async () => {
  const lab = createServeLab({ far: { habits: new Set(['settles']) } });
  lab.relay();
  const file = await lab.announce({ sizeBytes: 35 });
  await lab.stage(file);
  await lab.until(async () => (await lab.head(file.id)).step.phase === 'finishing');
  await lab.pass(5 * 60_000);
  expect((await lab.head(file.id)).step.phase).toBe('finishing');
  lab.far.settle();
  await lab.ended(file);
  await expectDone(lab, file);
});

test('what is not settled within a day fails, and says to look there', async () => {
  const lab = createServeLab({ far: { habits: new Set(['settles']) } });
  lab.relay(60_000);
  const file = await lab.announce({ sizeBytes: 5 });
  await lab.stage(file);
  await lab.until(async () => (await lab.row(file.id)).queue === null, 26 * 60 * 60_000);
  expect((await lab.head(file.id)).step).toMatchObject({ phase: 'failed', error: { code: 'finish.unconfirmed' } });
});

test('a file that the destination refuses fails with its reason, and can be tried again', async () => {
  const lab = createServeLab({ far: { habits: new Set(['refuses the file']) } });
  lab.relay();
  const file = await lab.announce({ sizeBytes: 25 });
  await lab.stage(file);
  await lab.ended(file);
  expect((await lab.head(file.id)).step).toMatchObject({ phase: 'failed', error: { code: 'asking.refused' } });
  lab.far.sessions[0]?.become('expired');
  lab.far.behave({ habits: new Set() });
  await retry(lab.engine('api'), file.id);
  await lab.ended(file);
  await expectDone(lab, file);
});

test('a pause reaches the destination, a resume goes on with the same session', async () => {
  const lab = createServeLab();
  lab.relay();
  const file = await lab.announce({ sizeBytes: 85 });
  await lab.stage(file, [1, 2, 3]);
  await lab.until(() => lab.far.sessions[0]?.heldBytes() === 30);
  const api = lab.engine('api');
  for (let round = 0; round < 2; round++) {
    await pause(api, file.id);
    await lab.until(() => lab.far.sessions[0]?.state() === 'paused', 40_000);
    await lab.until(async () => (await lab.row(file.id)).hold === 'rest', 10_000);
    await resume(api, file.id);
    await lab.until(() => lab.far.sessions[0]?.state() === 'open', 40_000);
  }
  await lab.stage(file, [4, 5, 6, 7, 8, 9]);
  await lab.ended(file);
  await expectDone(lab, file);
  expect(lab.far.sessions).toHaveLength(1);
});

test('a cancel is seen within a renewal and gives the session up', async () => {
  const lab = createServeLab();
  lab.relay();
  const file = await lab.announce({ sizeBytes: 85 });
  await lab.stage(file, [1, 2]);
  await lab.until(() => lab.far.sessions.length === 1);
  await cancel(lab.engine('api'), file.id);
  await lab.until(async () => (await lab.row(file.id)).queue === null, 40_000);
  expect((await lab.head(file.id)).step.phase).toBe('canceled');
  expect(lab.far.sessions[0]?.state()).toBe('discarded');
});

test('a session that is lost is opened again, three times at most', async () => {
  const lab = createServeLab();
  lab.relay();
  const file = await lab.announce({ sizeBytes: 85 });
  await lab.stage(file, [1, 2]);
  for (let session = 0; session < 3; session++) {
    await lab.until(() => lab.far.sessions.length === session + 1);
    await lab.pass(1_000);
    lab.far.sessions[session]?.become('expired');
  }
  await lab.ended(file);
  expect((await lab.head(file.id)).step).toMatchObject({ phase: 'failed', error: { code: 'session.gone' } });
  expect(lab.far.sessions).toHaveLength(3);
});

test('a stream that breaks is opened again, and nothing is answered that was answered', async () => {
  const lab = createServeLab();
  lab.relay();
  const file = await lab.announce({ sizeBytes: 85 });
  await lab.stage(file, [1, 2, 3, 4]);
  await lab.until(() => lab.far.sessions[0]?.heldBytes() === 40);
  lab.far.disconnect(new Fault('transient', 'asking.broken', 'the connection broke'));
  await lab.stage(file, [5, 6, 7, 8, 9]);
  await lab.ended(file);
  await expectDone(lab, file);
  expect(lab.far.sessions[0]?.takenBytes()).toBe(85);
  expect(lab.far.connections()).toBe(2);
});

test('a channel that needs a person fails what it serves, and works again after that', async () => {
  const lab = createServeLab();
  lab.far.refuse(new Fault('auth', 'asking.auth', 'log in again'));
  lab.relay();
  const file = await lab.announce({ sizeBytes: 85 });
  await lab.stage(file);
  await lab.ended(file);
  expect((await lab.head(file.id)).step).toMatchObject({ phase: 'failed', error: { code: 'asking.auth' } });
  lab.far.refuse(null);
  await retry(lab.engine('api'), file.id);
  await lab.ended(file);
  await expectDone(lab, file);
});

test('an answer that fails for a while is given again', async () => {
  let failures = 0;
  const lab = createServeLab({
    provider: (bare) => ({
      ...bare,
      answer: async (ask, answer, ctx) => {
        failures += 1;
        if (failures % 2 === 1) throw new Fault('transient', 'asking.busy', 'not now');
        return bare.answer(ask, answer, ctx);
      },
    }),
  });
  lab.relay();
  const file = await lab.announce({ sizeBytes: 55 });
  await lab.stage(file);
  await lab.ended(file);
  await expectDone(lab, file);
});

test('an answer that comes too late for a session that has ended well is no fault', async () => {
  const lab = createServeLab({
    provider: (bare) => ({
      ...bare,
      answer: async (ask, answer, ctx) => {
        await bare.answer(ask, answer, ctx);
        if (lab.far.files.length > 0) throw new Fault('gone', 'asking.gone', 'upload session not found');
      },
    }),
  });
  lab.relay();
  const file = await lab.announce({ sizeBytes: 55 });
  await lab.stage(file);
  await lab.ended(file);
  await expectDone(lab, file);
  expect(lab.far.sessions).toHaveLength(1);
});

test('staged bytes that are lost fail the transfer and give the session up', async () => {
  const gone = () => Promise.reject(new Fault('gone', 'staging.changed', 'it has another content'));
  const lab = createServeLab({ source: (bare) => ({ ...bare, read: gone }) });
  lab.relay();
  const file = await lab.announce({ sizeBytes: 85 });
  await lab.stage(file, [2]);
  await lab.ended(file);
  expect((await lab.head(file.id)).step).toMatchObject({ phase: 'failed', error: { code: 'staging.lost' } });
  expect(lab.far.sessions[0]?.state()).toBe('discarded');
});

test('more files than have a place wait for one, and those that are to be canceled do not', async () => {
  const lab = createServeLab();
  lab.relay();
  const files: ServedFile[] = [];
  for (let i = 0; i < 104; i++) files.push(await lab.announce({ sizeBytes: 15 }));
  await lab.until(() => lab.far.sessions.length === 100);
  const hasPlace = ({ id }: ServedFile) => lab.far.sessions.some(({ item }) => item.transferId === id);
  const waiting = files.find((file) => !hasPlace(file));
  if (waiting === undefined) throw new Error('every file has a place');
  await cancel(lab.engine('api'), waiting.id);
  await lab.until(async () => (await lab.row(waiting.id)).queue === null, 40_000);
  expect(lab.far.sessions).toHaveLength(100);
  const rest = files.filter((file) => file !== waiting);
  for (const file of rest) await lab.stage(file);
  await lab.ended(...files);
  for (const file of rest) await expectDone(lab, file);
  expect(lab.far.connections()).toBeLessThanOrEqual(2);
});

test('files whose client is gone give their places to files that have bytes, and keep their sessions', async () => {
  const lab = createServeLab();
  lab.relay();
  const dead: ServedFile[] = [];
  for (let i = 0; i < 100; i++) dead.push(await lab.announce({ sizeBytes: 15 }));
  await lab.until(() => lab.far.sessions.length === 100);
  const files = [await lab.announce({ sizeBytes: 25 }), await lab.announce({ sizeBytes: 35 })];
  for (const file of files) await lab.stage(file);
  await lab.ended(...files);
  for (const file of files) await expectDone(lab, file);
  for (const file of dead) await lab.stage(file);
  await lab.ended(...dead);
  for (const file of dead) await expectDone(lab, file);
  expect(lab.far.sessions).toHaveLength(102);
});

test('a channel without work is let go, and taken up again when there is some', async () => {
  const lab = createServeLab();
  lab.relay();
  const first = await lab.announce({ sizeBytes: 15 });
  await lab.stage(first);
  await lab.ended(first);
  await lab.pass(2 * 60_000);
  expect(await lab.table.get(channelKey(FAR))).toMatchObject({ hold: 'wait' });
  const second = await lab.announce({ sizeBytes: 25 });
  await lab.stage(second);
  await lab.ended(second);
  await expectDone(lab, second);
});

test('one relay of two serves a destination, and the other takes over what a dead one leaves', async () => {
  const lab = createServeLab();
  const [one, two] = [lab.relay(), lab.relay()];
  const file = await lab.announce({ sizeBytes: 95 });
  await lab.stage(file, [1, 2, 3, 4]);
  await lab.until(() => lab.far.sessions[0]?.heldBytes() === 40);
  expect(lab.far.connections()).toBe(1);
  const holder = (await lab.table.get(channelKey(FAR)))?.holder ?? '';
  [one, two].find(({ process }) => holder.startsWith(`${process.name}/`))?.process.kill();
  await lab.stage(file, [5, 6, 7, 8, 9, 10]);
  await lab.ended(file);
  await expectDone(lab, file);
  expect(lab.far.sessions).toHaveLength(1);
  expect(lab.far.sessions[0]?.takenBytes()).toBe(95);
});

test('a relay that ends in good order hands over at once', async () => {
  const lab = createServeLab();
  const first = lab.relay();
  const file = await lab.announce({ sizeBytes: 95 });
  await lab.stage(file, [1, 2]);
  await lab.until(() => lab.far.sessions[0]?.heldBytes() === 20);
  let isStopped = false;
  void first.stop().then(() => {
    isStopped = true;
  });
  await lab.until(() => isStopped, 10_000);
  expect(await lab.row(file.id)).toMatchObject({ hold: 'wait', queue: askedQueue(FAR) });
  lab.relay();
  await lab.stage(file, [3, 4, 5, 6, 7, 8, 9, 10]);
  await lab.until(async () => (await lab.row(file.id)).queue === null, 30_000);
  await expectDone(lab, file);
  expect(lab.far.sessions).toHaveLength(1);
});

async function expectDone(lab: ServeLab, { id, content }: ServedFile): Promise<void> {
  const { step } = await lab.head(id);
  if (step.phase === 'failed')
    throw new Error(`it failed: ${step.error.code} ${step.error.message}\n${lab.journal.tail()}`);
  expect(step).toMatchObject({ phase: 'done' });
  const found = lab.far.files.filter(({ item }) => item.transferId === id);
  expect(found).toHaveLength(1);
  expect(Buffer.from(found[0]?.content ?? []).equals(Buffer.from(content))).toBe(true);
  const views = lab.views(id);
  expectNoStaleView(views);
  expect(views.at(-1)).toMatchObject({ phase: 'done', movedBytes: content.byteLength });
}
