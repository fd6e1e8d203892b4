/** Laws of the lists: query, due, owned, ended. */
import { expect } from 'vitest';
import type { WorkTable } from '#core/ports/work-table.ts';
import type { Laws } from '../suite.ts';
import { claimed, KEY, LEASE_MS, NOW, newRow } from './rows.ts';

export const listLaws: Laws<WorkTable> = {
  'query gives the rows of one pk under a prefix, ascending, however they were created': async (table) => {
    const sks = ['S#2', 'S#1#10', '@', 'S#1#2', 'S', 'S$', 'R#1', 'S#1'];
    for (const sk of sks) await table.create(newRow({ sk, state: sk }), NOW);
    await table.create(newRow({ pk: 'T#trf_11', sk: 'S#1#0' }), NOW);
    const found = async (prefix: string) => (await table.query(KEY.pk, prefix)).map(({ sk }) => sk);
    expect(await found('S#')).toEqual(['S#1', 'S#1#10', 'S#1#2', 'S#2']);
    expect(await found('S#1#')).toEqual(['S#1#10', 'S#1#2']);
    expect(await found('')).toEqual([...sks].sort());
    expect(await found('X')).toEqual([]);
    expect(await table.query('T#', '')).toEqual([]);
  },
  'query takes % and _ and case in a prefix as they are': async (table) => {
    for (const sk of ['a%b', 'a_b', 'axb', 'Axb']) await table.create(newRow({ sk }), NOW);
    expect((await table.query(KEY.pk, 'a_')).map(({ sk }) => sk)).toEqual(['a_b']);
    expect((await table.query(KEY.pk, 'a%')).map(({ sk }) => sk)).toEqual(['a%b']);
    expect((await table.query(KEY.pk, 'A')).map(({ sk }) => sk)).toEqual(['Axb']);
  },
  'query pages: after is exclusive, limit is kept, and the pages add up to the whole': async (table) => {
    const sks = Array.from({ length: 25 }, (_, n) => `R#${String(n).padStart(4, '0')}`);
    for (const sk of sks) await table.create(newRow({ sk, queue: null, dueAt: null }), NOW);
    const seen: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await table.query(KEY.pk, 'R#', { limit: 10, ...(after === undefined ? {} : { after }) });
      expect(page.length).toBeLessThanOrEqual(10);
      seen.push(...page.map(({ sk }) => sk));
      after = page.at(-1)?.sk;
      if (page.length === 0) break;
    }
    expect(seen).toEqual(sks);
    expect(await table.query(KEY.pk, 'R#', { after: 'R#0023' })).toHaveLength(1);
  },
  'due gives the rows of one queue whose time has come, earliest first, up to the limit': async (table) => {
    for (const [sk, dueAt] of [
      ['b', NOW - 2],
      ['c', NOW],
      ['a', NOW - 1],
      ['late', NOW + 1],
      ['zero', 0],
    ] as const) {
      await table.create(newRow({ sk, dueAt }), NOW);
    }
    await table.create(newRow({ sk: 'other', queue: 'dest#b', dueAt: 0 }), NOW);
    const keys = (sks: readonly string[]) => sks.map((sk) => ({ pk: KEY.pk, sk }));
    expect(await table.due('dest#a', NOW, 10)).toEqual(keys(['zero', 'b', 'a', 'c']));
    expect(await table.due('dest#a', NOW, 2)).toEqual(keys(['zero', 'b']));
    expect(await table.due('dest#none', NOW, 10)).toEqual([]);
  },
  'due omits parked, ended, leased and resting rows; a lease that has run out appears': async (table) => {
    for (const sk of ['parked', 'ended', 'leased', 'resting']) {
      const key = { ...KEY, sk };
      await table.create(newRow({ sk }), NOW);
      const { token } = await claimed(table, 'boot/1', NOW, key);
      if (sk === 'resting') await table.release(key, token, { to: 'rest', dueAt: NOW + 10 }, NOW);
      else if (sk !== 'leased') await table.release(key, token, { to: sk === 'parked' ? 'parked' : 'ended' }, NOW);
    }
    expect(await table.due('dest#a', NOW, 10)).toEqual([]);
    expect((await table.due('dest#a', NOW + 10, 10)).map(({ sk }) => sk)).toEqual(['resting']);
    expect((await table.due('dest#a', NOW + LEASE_MS, 10)).map(({ sk }) => sk)).toEqual(['resting', 'leased']);
  },
  'owned gives active rows first, then by sort descending, and follows a row as it ends and is revived': async (
    table,
  ) => {
    for (const sort of ['01A', '01C', '01B', '01D']) {
      await table.create(newRow({ pk: `T#${sort}`, owner: { id: 'zoë', sort } }), NOW);
    }
    await table.create(newRow({ pk: 'T#other', owner: { id: 'zo', sort: '01Z' } }), NOW);
    await table.create(newRow({ pk: 'T#nobody' }), NOW);
    const list = async () => (await table.owned('zoë', { limit: 10 })).map(({ row }) => row.pk.slice(2));
    expect(await list()).toEqual(['01D', '01C', '01B', '01A']);
    const key = { pk: 'T#01C', sk: '@' };
    const { token } = await claimed(table, 'boot/1', NOW, key);
    await table.release(key, token, { to: 'ended' }, NOW);
    expect(await list()).toEqual(['01D', '01B', '01A', '01C']);
    await table.revive(key, token, { phase: 'opening', state: {}, queue: 'dest#a', dueAt: NOW }, NOW);
    expect(await list()).toEqual(['01D', '01C', '01B', '01A']);
  },
  'active counts the rows of an owner that are at work, and no further than it is told': async (table) => {
    for (let n = 0; n < 7; n++) await table.create(newRow({ sk: `${n}`, owner: { id: 'o', sort: `${n}` } }), NOW);
    await table.create(newRow({ sk: 'other', owner: { id: 'oo', sort: '1' } }), NOW);
    await table.create(newRow({ sk: 'born ended', owner: { id: 'o', sort: '1' }, queue: null, dueAt: null }), NOW);
    await table.create(newRow({ sk: 'nobody' }), NOW);
    const key = { ...KEY, sk: '3' };
    const { token } = await claimed(table, 'boot/1', NOW, key);
    const counted = () => Promise.all([0, 3, 100].map((max) => table.active('o', max)));
    expect(await counted()).toEqual([0, 3, 7]);
    await table.release(key, token, { to: 'ended' }, NOW);
    expect(await counted()).toEqual([0, 3, 6]);
    await table.revive(key, token, { phase: 'opening', state: {}, queue: 'dest#a', dueAt: NOW }, NOW);
    expect(await counted()).toEqual([0, 3, 7]);
    expect(await table.active('nobody', 5)).toBe(0);
  },
  'owned lists a row that was created ended among the ended': async (table) => {
    const owner = (sort: string) => ({ id: 'o', sort });
    await table.create(newRow({ sk: '2', owner: owner('2'), queue: null, dueAt: null }), NOW);
    await table.create(newRow({ sk: '1', owner: owner('1') }), NOW);
    expect((await table.owned('o', { limit: 10 })).map(({ row }) => row.sk)).toEqual(['1', '2']);
  },
  'owned pages by cursor without gaps or doubles, also among rows of one sort': async (table) => {
    for (let n = 0; n < 23; n++) {
      const isEnded = n % 3 === 0;
      const work = isEnded ? { queue: null, dueAt: null } : {};
      await table.create(newRow({ sk: `${n}`, owner: { id: 'o', sort: `${Math.floor(n / 4)}` }, ...work }), NOW);
    }
    const whole = (await table.owned('o', { limit: 100 })).map(({ row }) => row.sk);
    expect(new Set(whole).size).toBe(23);
    const seen: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await table.owned('o', { limit: 5, ...(after === undefined ? {} : { after }) });
      expect(page.length).toBeLessThanOrEqual(5);
      seen.push(...page.map(({ row }) => row.sk));
      after = page.at(-1)?.cursor;
      if (page.length === 0) break;
    }
    expect(seen).toEqual(whole);
  },
  'ended gives places by the time of the write that ended them, until the row is revived': async (table) => {
    const end = async (sk: string, at: number) => {
      await table.create(newRow({ sk, owner: { id: 'o', sort: sk } }), NOW);
      const { token } = await claimed(table, 'boot/1', NOW, { ...KEY, sk });
      await table.release({ ...KEY, sk }, token, { to: 'ended' }, at);
      return token;
    };
    const list = async (endedAt: number) =>
      (await table.ended('o', { after: { endedAt, pk: '', sk: '' }, limit: 10 })).map((place) => [
        place.sk,
        place.endedAt,
      ]);
    await end('late', NOW + 3);
    const token = await end('mid', NOW + 2);
    await end('early', NOW + 1);
    await table.create(newRow({ sk: 'open', owner: { id: 'o', sort: '9' } }), NOW);
    await table.create(newRow({ sk: 'born', owner: { id: 'o', sort: '8' }, queue: null, dueAt: null }), NOW + 4);
    await table.create(newRow({ sk: 'other', owner: { id: 'p', sort: '9' }, queue: null, dueAt: null }), NOW);
    await table.create(newRow({ sk: 'nobody', queue: null, dueAt: null }), NOW);
    const [early, mid, late, born] = [
      ['early', NOW + 1],
      ['mid', NOW + 2],
      ['late', NOW + 3],
      ['born', NOW + 4],
    ];
    expect(await list(0)).toEqual([early, mid, late, born]);
    expect(await list(NOW + 2)).toEqual([mid, late, born]);
    const key = { ...KEY, sk: 'mid' };
    await table.expire(key, LEASE_MS + NOW, NOW + 9);
    expect(await list(0)).toEqual([early, mid, late, born]);
    await table.revive(key, token, { phase: 'opening', state: {}, queue: 'dest#a', dueAt: NOW }, NOW + 5);
    expect(await list(0)).toEqual([early, late, born]);
    const again = await claimed(table, 'boot/1', NOW + 5, key);
    await table.release(key, again.token, { to: 'ended' }, NOW + 6);
    expect(await list(NOW + 4)).toEqual([born, ['mid', NOW + 6]]);
  },
  'ended pages without gaps or doubles, also among rows of one time': async (table) => {
    for (let n = 0; n < 17; n++) {
      await table.create(
        newRow({ sk: `${n}`, owner: { id: 'o', sort: `${n}` }, queue: null, dueAt: null }),
        NOW + (n >> 3),
      );
    }
    const seen: string[] = [];
    for (let after = { endedAt: 0, pk: '', sk: '' }; ; ) {
      const page = await table.ended('o', { after, limit: 5 });
      expect(page.length).toBeLessThanOrEqual(5);
      seen.push(...page.map(({ sk }) => sk));
      const last = page.at(-1);
      if (last === undefined) break;
      after = last;
    }
    expect(seen).toHaveLength(17);
    expect(new Set(seen).size).toBe(17);
  },
  'owned gives whole rows': async (table) => {
    await table.create(newRow({ owner: { id: 'o', sort: '1' } }), NOW);
    expect((await table.owned('o', { limit: 1 }))[0]?.row).toEqual(await table.get(KEY));
  },
};
