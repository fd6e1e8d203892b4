/** Laws of what a holder does: claim, renew, commit, release. */
import { expect } from 'vitest';
import type { WorkTable } from '#core/ports/work-table.ts';
import type { Laws } from '../suite.ts';
import { by, claimed, ended, held, KEY, LEASE_MS, NEXT, NOW, newRow, STATE } from './rows.ts';

const LATER = NOW + LEASE_MS;

export const leaseLaws: Laws<WorkTable> = {
  'a waiting row is claimed: leased to the holder, token raised, due when the lease ends': async (table) => {
    await table.create(newRow(), NOW);
    const claim = await table.claim(KEY, by('boot/1', NOW + 5));
    const expected = {
      hold: 'lease',
      holder: 'boot/1',
      token: 1,
      dueAt: NOW + 5 + LEASE_MS,
      phase: 'staging',
      state: STATE,
    };
    expect(claim).toMatchObject({ token: 1, unclean: false, row: { ...expected, updatedAt: NOW + 5 } });
    expect(await table.get(KEY)).toEqual(claim?.row);
  },
  'a waiting row may be claimed before it is due': async (table) => {
    await table.create(newRow({ dueAt: NOW + 1000 }), NOW);
    expect(await table.claim(KEY, by('boot/1'))).not.toBeNull();
  },
  'a row that is absent, parked, ended, leased or resting is not claimed and stays as it is': async (table) => {
    expect(await table.claim(KEY, by('boot/1'))).toBeNull();
    await table.create(newRow({ dueAt: null }), NOW);
    expect(await table.claim(KEY, by('boot/1'))).toBeNull();
    await table.wake(KEY, NOW, NOW);
    const { token } = await claimed(table);
    const leased = await table.get(KEY);
    expect(await table.claim(KEY, by('boot/2', LATER - 1))).toBeNull();
    expect(await table.get(KEY)).toEqual(leased);
    await table.release(KEY, token, { to: 'rest', dueAt: NOW + 100 }, NOW);
    expect(await table.claim(KEY, by('boot/2', NOW + 99))).toBeNull();
    const second = await claimed(table, 'boot/2', NOW + 100);
    await table.release(KEY, second.token, { to: 'ended' }, NOW);
    expect(await table.claim(KEY, by('boot/3', NOW + 10 * LEASE_MS))).toBeNull();
  },
  'of 100 racing claims exactly one wins': async (table) => {
    await table.create(newRow(), NOW);
    const claims = await Promise.all(Array.from({ length: 100 }, (_, n) => table.claim(KEY, by(`boot/${n}`))));
    const winners = claims.flatMap((claim) => (claim === null ? [] : [claim.row.holder]));
    expect(winners).toHaveLength(1);
    expect(await table.get(KEY)).toMatchObject({ holder: winners[0], token: 1 });
  },
  'of 50 racing claims of a lease that has run out exactly one wins, and is told that it is unclean': async (table) => {
    await held(table);
    const claims = await Promise.all(Array.from({ length: 50 }, (_, n) => table.claim(KEY, by(`other/${n}`, LATER))));
    expect(claims.flatMap((claim) => (claim === null ? [] : [claim.unclean]))).toEqual([true]);
  },
  'a claim after a release is clean': async (table) => {
    const { token } = await held(table);
    await table.release(KEY, token, { to: 'wait', dueAt: NOW }, NOW);
    expect(await table.claim(KEY, by('boot/2'))).toMatchObject({ unclean: false, token: 2 });
  },
  'a repeated claim of the same holder wins again with the same answer about uncleanness': async (table) => {
    await held(table);
    expect(await table.claim(KEY, by('boot/1'))).toMatchObject({ unclean: false, row: { holder: 'boot/1' } });
    expect(await table.claim(KEY, by('boot/2', LATER))).toMatchObject({ unclean: true });
    expect(await table.claim(KEY, by('boot/2', LATER))).toMatchObject({ unclean: true });
    const { token } = await claimed(table, 'boot/2', LATER);
    await table.release(KEY, token, { to: 'wait', dueAt: LATER }, LATER);
    expect(await table.claim(KEY, by('boot/2', LATER))).toMatchObject({ unclean: false });
  },
  'a holder that comes back after its own lease has run out is told that it is unclean': async (table) => {
    await held(table);
    expect(await table.claim(KEY, by('boot/1', LATER))).toMatchObject({ unclean: true });
  },
  'a former holder cannot claim a resting row early': async (table) => {
    const { token } = await held(table);
    await table.release(KEY, token, { to: 'rest', dueAt: LATER }, NOW);
    expect(await table.claim(KEY, by('boot/1'))).toBeNull();
  },
  'tokens rise by one with each claim and with nothing else': async (table) => {
    for (let token = 1; token <= 4; token++) {
      const claim = token === 1 ? await held(table) : await claimed(table, `boot/${token}`);
      expect(claim.token).toBe(token);
      await table.renew(KEY, token, LATER, NOW);
      await table.commit(KEY, token, NEXT, NOW);
      await table.wish(KEY, 'pause', NOW);
      await table.release(KEY, token, { to: 'wait', dueAt: NOW }, NOW);
      await table.wake(KEY, NOW - 1, NOW);
    }
    expect((await table.get(KEY))?.token).toBe(4);
  },
  'an old token cannot renew, commit or release, and the row is untouched': async (table) => {
    const { token } = await held(table);
    await claimed(table, 'boot/2', LATER);
    const before = await table.get(KEY);
    expect(await table.renew(KEY, token, LATER * 2, LATER)).toBe(false);
    expect(await table.commit(KEY, token, NEXT, LATER)).toBe(false);
    for (const to of ['parked', 'ended'] as const) expect(await table.release(KEY, token, { to }, LATER)).toBe(false);
    expect(await table.release(KEY, token, { to: 'wait', dueAt: before?.dueAt ?? 0 }, LATER)).toBe(false);
    expect(await table.get(KEY)).toEqual(before);
  },
  'without a lease nobody renews, commits or releases, be the row waiting, parked, ended or absent': async (table) => {
    const { token } = await held(table);
    for (const release of [{ to: 'wait', dueAt: NOW } as const, { to: 'parked' } as const, { to: 'ended' } as const]) {
      const holder = release.to === 'wait' ? token : (await claimed(table)).token;
      await table.release(KEY, holder, release, NOW);
      const before = await table.get(KEY);
      expect(await table.renew(KEY, holder, LATER, NOW)).toBe(false);
      expect(await table.commit(KEY, holder, NEXT, NOW)).toBe(false);
      expect(await table.release(KEY, holder, { to: 'rest', dueAt: LATER }, NOW)).toBe(false);
      expect(await table.get(KEY)).toEqual(before);
      await table.wake(KEY, NOW, NOW);
    }
    await table.remove(KEY);
    expect(await table.commit(KEY, token, NEXT, NOW)).toBe(false);
    expect(await table.get(KEY)).toBeNull();
  },
  'renew moves the end of the lease and nothing else': async (table) => {
    const { token, row } = await held(table);
    expect(await table.renew(KEY, token, LATER + 20, NOW + 20)).toBe(true);
    expect(await table.get(KEY)).toEqual({ ...row, dueAt: LATER + 20, updatedAt: NOW + 20 });
    expect(await table.claim(KEY, by('boot/2', LATER))).toBeNull();
  },
  'commit writes phase and state and keeps the lease': async (table) => {
    const { token, row } = await held(table);
    expect(await table.commit(KEY, token, NEXT, NOW + 1)).toBe(true);
    expect(await table.get(KEY)).toEqual({ ...row, ...NEXT, updatedAt: NOW + 1 });
  },
  'commit may move the row to another queue, where it is due from then on': async (table) => {
    const { token } = await held(table);
    expect(await table.commit(KEY, token, { ...NEXT, queue: 'dest#other' }, NOW)).toBe(true);
    expect(await table.commit(KEY, token, NEXT, NOW)).toBe(true);
    expect(await table.get(KEY)).toMatchObject({ queue: 'dest#other', hold: 'lease' });
    expect(await table.due('dest#a', NOW + LEASE_MS, 10)).toEqual([]);
    expect(await table.due('dest#other', NOW + LEASE_MS, 10)).toEqual([KEY]);
  },
  'a commit guarded by a wish loses once that wish is there, and only then': async (table) => {
    const { token } = await held(table);
    expect(await table.commit(KEY, token, NEXT, NOW, { unlessWish: 'cancel' })).toBe(true);
    await table.wish(KEY, 'pause', NOW);
    expect(await table.commit(KEY, token, NEXT, NOW, { unlessWish: 'cancel' })).toBe(true);
    await table.wish(KEY, 'cancel', NOW);
    const before = await table.get(KEY);
    expect(await table.commit(KEY, token, { ...NEXT, phase: 'finishing' }, NOW, { unlessWish: 'cancel' })).toBe(false);
    expect(await table.get(KEY)).toEqual(before);
  },
  'a commit guarded by touched loses after a touch': async (table) => {
    const { token } = await held(table);
    expect(await table.commit(KEY, token, NEXT, NOW, { ifTouched: 0 })).toBe(true);
    await table.touch(KEY, LATER, NEXT.phase, NOW);
    expect(await table.commit(KEY, token, { ...NEXT, phase: 'removing' }, NOW, { ifTouched: 0 })).toBe(false);
    expect(await table.get(KEY)).toMatchObject(NEXT);
  },
  'release leaves a waiting, resting, parked or ended row without a holder': async (table) => {
    const left = [
      [
        { to: 'wait', dueAt: LATER },
        { queue: 'dest#a', hold: 'wait', dueAt: LATER },
      ],
      [
        { to: 'rest', dueAt: NOW },
        { queue: 'dest#a', hold: 'rest', dueAt: NOW },
      ],
      [{ to: 'parked' }, { queue: 'dest#a', hold: 'wait', dueAt: null }],
      [{ to: 'ended' }, { queue: null, dueAt: null }],
    ] as const;
    await table.create(newRow(), NOW);
    for (const [release, fields] of left) {
      const { token } = await claimed(table);
      expect(await table.release(KEY, token, release, NOW)).toBe(true);
      expect(await table.get(KEY)).toMatchObject({ ...fields, token, holder: null, phase: 'staging', state: STATE });
      await table.wake(KEY, NOW, NOW);
    }
  },
  'release may commit in the same write': async (table) => {
    const { token } = await held(table);
    expect(await table.release(KEY, token, { to: 'ended', advance: NEXT }, NOW)).toBe(true);
    expect(await table.get(KEY)).toMatchObject({ ...NEXT, queue: null });
  },
  'wishes, answers and touches survive what the holder writes': async (table) => {
    const { token } = await held(table);
    await table.wish(KEY, 'pause', NOW);
    await table.answer(KEY, { q1: 'ab' }, NOW);
    await table.touch(KEY, LATER, 'staging', NOW);
    await table.commit(KEY, token, NEXT, NOW);
    await table.renew(KEY, token, LATER, NOW);
    await table.release(KEY, token, { to: 'wait', dueAt: NOW, advance: { ...NEXT, phase: 'opening' } }, NOW);
    await claimed(table);
    const written = { wish: 'pause', answers: { q1: 'ab' }, touched: 1, expiresAt: LATER, phase: 'opening' };
    expect(await table.get(KEY)).toMatchObject(written);
  },
  'renew, commit and release repeated after a lost reply win again and leave the same row': async (table) => {
    const releases = [
      { to: 'wait', dueAt: LATER } as const,
      { to: 'rest', dueAt: NOW, advance: NEXT } as const,
      { to: 'parked', advance: NEXT } as const,
      { to: 'ended', advance: NEXT } as const,
    ];
    await table.create(newRow(), NOW);
    for (const release of releases) {
      const { token } = await claimed(table);
      const calls = [
        () => table.renew(KEY, token, LATER, NOW),
        () => table.commit(KEY, token, NEXT, NOW),
        () => table.release(KEY, token, release, NOW),
      ];
      for (const call of calls) {
        expect(await call()).toBe(true);
        const once = await table.get(KEY);
        expect(await call()).toBe(true);
        expect(await table.get(KEY)).toEqual(once);
      }
      await table.wake(KEY, NOW, NOW);
    }
  },
  'a release that somebody has already built upon is not won again': async (table) => {
    const { token } = await held(table);
    await table.release(KEY, token, { to: 'wait', dueAt: LATER }, NOW);
    await table.wake(KEY, NOW, NOW);
    expect(await table.release(KEY, token, { to: 'wait', dueAt: LATER }, NOW)).toBe(false);
    expect((await table.get(KEY))?.dueAt).toBe(NOW);
  },
  'an ended row is not parked by the holder that ended it': async (table) => {
    const { token } = await ended(table);
    expect(await table.release(KEY, token, { to: 'parked' }, NOW)).toBe(false);
    expect((await table.get(KEY))?.queue).toBeNull();
  },
};
