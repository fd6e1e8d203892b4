/** Laws of what everybody else does: create, wake, wish, answer, touch, revive, remove, expire. */
import { expect } from 'vitest';
import type { WorkTable } from '#core/ports/work-table.ts';
import type { Laws } from '../suite.ts';
import { by, claimed, ended, held, KEY, LEASE_MS, NEXT, NOW, newRow, STATE } from './rows.ts';

const LATER = NOW + LEASE_MS;

/** All that is awkward in JSON, SQL and UTF-16. */
const AWKWARD = `\u0000\u001f"'\\%_{}#$\u2028\ud83d\ude80\ud800 测试 é\u0301 \uffff\u{10ffff}`;

export const callLaws: Laws<WorkTable> = {
  'a created row has what it was given and starts untouched': async (table) => {
    expect(await table.create(newRow({ expiresAt: LATER }), NOW)).toBe('created');
    expect(await table.get(KEY)).toEqual({
      ...KEY,
      queue: 'dest#a',
      dueAt: NOW,
      hold: 'wait',
      token: 0,
      holder: null,
      phase: 'staging',
      state: STATE,
      wish: null,
      answers: {},
      touched: 0,
      expiresAt: LATER,
      updatedAt: NOW,
    });
  },
  'a second create says exists and changes nothing': async (table) => {
    await table.create(newRow(), NOW);
    const before = await table.get(KEY);
    expect(await table.create(newRow({ phase: 'done', state: null, queue: null }), NOW + 1)).toBe('exists');
    expect(await table.get(KEY)).toEqual(before);
  },
  'of 50 racing creates one wins': async (table) => {
    const racers = Array.from({ length: 50 }, (_, n) => table.create(newRow({ state: { n } }), NOW));
    const answers = await Promise.all(racers);
    const winner = answers.indexOf('created');
    expect(answers.filter((answer) => answer === 'created')).toHaveLength(1);
    expect((await table.get(KEY))?.state).toEqual({ n: winner });
  },
  'a state of 4 KiB in any Unicode comes back as it was': async (table) => {
    const awkward = { text: AWKWARD, [AWKWARD]: [1.5, -1, 1e21, true, null, { deep: '' }] };
    const state = { ...awkward, filler: '测'.repeat(Math.floor((4096 - bytesOf({ ...awkward, filler: '' })) / 3)) };
    const { token } = await held(table, { state });
    expect((await table.get(KEY))?.state).toEqual(state);
    for (const next of [[AWKWARD], state, 'text', 0, null, []]) {
      await table.commit(KEY, token, { phase: 'moving', state: next }, NOW);
      expect((await table.get(KEY))?.state).toEqual(next);
      expect((await table.query(KEY.pk, ''))[0]?.state).toEqual(next);
    }
  },
  'what the caller does to a row or a state afterwards does not reach the table': async (table) => {
    const state = { list: [1] };
    await table.create(newRow({ state }), NOW);
    state.list.push(2);
    const row = await table.get(KEY);
    Object.assign(row?.answers ?? {}, { forged: 'x' });
    Object.assign(Object(row?.state), { list: [] });
    expect(await table.get(KEY)).toMatchObject({ state: { list: [1] }, answers: {} });
    expect((await table.get(KEY))?.answers).toEqual({});
  },
  'wake makes a parked row due, and a later one earlier, never an earlier one later': async (table) => {
    await table.create(newRow({ dueAt: null }), NOW);
    expect(await table.wake(KEY, LATER, NOW)).toBe(true);
    expect(await table.wake(KEY, NOW, NOW)).toBe(true);
    expect(await table.wake(KEY, LATER, NOW)).toBe(false);
    expect(await table.get(KEY)).toMatchObject({ dueAt: NOW, hold: 'wait' });
  },
  'wake leaves a resting row alone unless told to wake it from rest: it then waits': async (table) => {
    const { token } = await held(table);
    await table.release(KEY, token, { to: 'rest', dueAt: LATER }, NOW);
    expect(await table.wake(KEY, NOW, NOW)).toBe(false);
    expect(await table.get(KEY)).toMatchObject({ dueAt: LATER, hold: 'rest' });
    expect(await table.wake(KEY, 0, NOW, 'rest')).toBe(true);
    expect(await table.get(KEY)).toMatchObject({ dueAt: 0, hold: 'wait' });
  },
  'wake never touches a leased, ended or absent row': async (table) => {
    expect(await table.wake(KEY, NOW, NOW, 'rest')).toBe(false);
    const { row, token } = await held(table);
    expect(await table.wake(KEY, 0, NOW, 'rest')).toBe(false);
    expect(await table.get(KEY)).toEqual(row);
    await table.release(KEY, token, { to: 'ended' }, NOW);
    expect(await table.wake(KEY, 0, NOW, 'rest')).toBe(false);
    expect(await table.get(KEY)).toMatchObject({ queue: null, dueAt: null });
  },
  'a wish is taken while the row works, also under a lease, and a pause is taken back': async (table) => {
    await held(table);
    for (const wish of ['pause', null, 'pause', 'cancel'] as const) {
      expect(await table.wish(KEY, wish, NOW + 1)).toBe(true);
      expect(await table.get(KEY)).toMatchObject({ wish, updatedAt: NOW + 1, holder: 'boot/1' });
    }
  },
  'a cancel is final': async (table) => {
    await table.create(newRow(), NOW);
    await table.wish(KEY, 'cancel', NOW);
    expect(await table.wish(KEY, 'pause', NOW)).toBe(false);
    expect(await table.wish(KEY, null, NOW)).toBe(false);
    expect((await table.get(KEY))?.wish).toBe('cancel');
  },
  'no wish is taken by a finishing, ended or absent row': async (table) => {
    expect(await table.wish(KEY, 'cancel', NOW)).toBe(false);
    const { token } = await held(table);
    await table.commit(KEY, token, { ...NEXT, phase: 'finishing' }, NOW);
    expect(await table.wish(KEY, 'cancel', NOW)).toBe(false);
    await table.release(KEY, token, { to: 'ended', advance: NEXT }, NOW);
    expect(await table.wish(KEY, 'pause', NOW)).toBe(false);
    expect((await table.get(KEY))?.wish).toBeNull();
  },
  'answers are merged, the last one of a name wins, and any text will do': async (table) => {
    await table.create(newRow(), NOW);
    expect(await table.answer(KEY, { a: '1', [AWKWARD]: AWKWARD }, NOW)).toBe(true);
    expect(await table.answer(KEY, { b: '2', a: '3' }, NOW)).toBe(true);
    expect((await table.get(KEY))?.answers).toEqual({ a: '3', b: '2', [AWKWARD]: AWKWARD });
    expect(await table.answer({ ...KEY, sk: 'none' }, { a: '1' }, NOW)).toBe(false);
    expect(await table.get({ ...KEY, sk: 'none' })).toBeNull();
  },
  'of 50 answers at once none is lost': async (table) => {
    await table.create(newRow(), NOW);
    await Promise.all(Array.from({ length: 50 }, (_, n) => table.answer(KEY, { [`q${n}`]: `${n}` }, NOW)));
    expect(Object.keys((await table.get(KEY))?.answers ?? {})).toHaveLength(50);
  },
  'touch counts, and moves the expiry forward but never back, in the named phase only': async (table) => {
    await table.create(newRow(), NOW);
    expect(await table.touch(KEY, LATER, 'staging', NOW)).toBe(true);
    expect(await table.touch(KEY, NOW, 'staging', NOW)).toBe(true);
    expect(await table.touch(KEY, LATER + 1, 'removing', NOW)).toBe(false);
    expect(await table.get(KEY)).toMatchObject({ touched: 2, expiresAt: LATER });
  },
  'revive gives an ended row its work back: it waits with the same token': async (table) => {
    const { token } = await ended(table);
    const as = { ...NEXT, queue: 'dest#b', dueAt: LATER };
    expect(await table.revive(KEY, token, as, NOW)).toBe(true);
    expect(await table.get(KEY)).toMatchObject({ ...as, hold: 'wait', token, holder: null });
    expect(await table.claim(KEY, by('boot/2'))).toMatchObject({ token: token + 1, unclean: false });
  },
  'revive leaves a row that works, or has another token, as it is': async (table) => {
    const { token } = await held(table);
    const as = { ...NEXT, queue: 'dest#b', dueAt: NOW };
    expect(await table.revive(KEY, token, as, NOW)).toBe(false);
    await table.release(KEY, token, { to: 'ended' }, NOW);
    const before = await table.get(KEY);
    for (const other of [token - 1, token + 1]) expect(await table.revive(KEY, other, as, NOW)).toBe(false);
    expect(await table.get(KEY)).toEqual(before);
  },
  'of two revives of one end only one wins': async (table) => {
    const { token } = await ended(table);
    const racers = [1, 2].map((n) => table.revive(KEY, token, { ...NEXT, state: n, queue: 'q', dueAt: NOW }, NOW));
    expect((await Promise.all(racers)).filter(Boolean)).toHaveLength(1);
  },
  'wake, wish, answer and revive repeated after a lost reply win again and leave the same row': async (table) => {
    const { token } = await ended(table);
    const calls = [
      () => table.revive(KEY, token, { ...NEXT, queue: 'dest#a', dueAt: LATER }, NOW),
      () => table.wake(KEY, NOW, NOW),
      () => table.answer(KEY, { a: '1' }, NOW),
      () => table.wish(KEY, 'pause', NOW),
      () => table.wish(KEY, null, NOW),
      () => table.wish(KEY, 'cancel', NOW),
      () => table.expire(KEY, LATER, NOW),
    ];
    for (const call of calls) {
      expect(await call()).toBe(true);
      const once = await table.get(KEY);
      expect(await call()).toBe(true);
      expect(await table.get(KEY)).toEqual(once);
    }
  },
  'remove deletes for good and is fine with an absent row': async (table) => {
    await table.create(newRow({ owner: { id: 'o', sort: '1' } }), NOW);
    await table.remove(KEY);
    await table.remove(KEY);
    expect(await table.get(KEY)).toBeNull();
    expect(await table.due('dest#a', LATER, 10)).toEqual([]);
    expect(await table.owned('o', { limit: 10 })).toEqual([]);
    expect(await table.create(newRow(), NOW)).toBe('created');
  },
  'an expired row stays until a purge at or after its time': async (table) => {
    expect(await table.expire(KEY, LATER, NOW)).toBe(false);
    await ended(table);
    await table.create(newRow({ sk: 'other' }), NOW);
    expect(await table.expire(KEY, LATER, NOW)).toBe(true);
    expect(await table.purge(LATER - 1, 10)).toEqual([]);
    expect(await table.get(KEY)).not.toBeNull();
    expect(await table.purge(LATER, 10)).toEqual([{ ...KEY, ownerId: null }]);
    expect(await table.purge(LATER, 10)).toEqual([]);
    expect(await table.get(KEY)).toBeNull();
    expect(await table.get({ ...KEY, sk: 'other' })).not.toBeNull();
  },
  'purge takes no more than it is told': async (table) => {
    for (let n = 0; n < 5; n++) {
      await table.create(newRow({ sk: `${n}`, owner: { id: 'o', sort: `${n}` } }), NOW);
      await table.expire({ ...KEY, sk: `${n}` }, NOW, NOW);
    }
    const purged = await table.purge(NOW, 3);
    expect(purged).toHaveLength(3);
    for (const { pk, ownerId } of purged) expect({ pk, ownerId }).toEqual({ pk: KEY.pk, ownerId: 'o' });
    expect(await table.query(KEY.pk, '')).toHaveLength(2);
    expect(await table.purge(NOW, 3)).toHaveLength(2);
  },
  'a row that was revived is not purged': async (table) => {
    const { token } = await ended(table);
    await table.expire(KEY, NOW, NOW);
    await table.revive(KEY, token, { ...NEXT, queue: 'dest#a', dueAt: NOW }, NOW);
    expect(await table.purge(LATER, 10)).toEqual([]);
    expect(await claimed(table)).toMatchObject({ unclean: false });
  },
};

function bytesOf(state: unknown): number {
  return Buffer.byteLength(JSON.stringify(state));
}
