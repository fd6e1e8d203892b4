/** What is forgotten where there is no room for all files, and what cannot be written. */
import { expect, it } from 'vitest';
import { alone } from '#clients/shared.ts';
import { Fault } from '#core/fault.ts';
import { ledger } from '#providers/bilibili/ledger.ts';

const clock = { now: () => 1_000_000, sleep: async () => {}, random: () => 0.5 };

it('of more uploads than there is room for, those that are done are forgotten first, and the oldest of them', async () => {
  const book = ledger({ shared: alone(), clock, openingsPerHour: 20, spacingMs: 0 });
  await book.stand('begun', { kind: 'begun', atMs: 999_000 });
  await book.stand('merged', { kind: 'merged' });
  for (let n = 0; n < 100; n++) await book.stand(`done ${n}`, { kind: 'done', archive: null });
  const known = await Promise.all(['begun', 'merged', 'done 21', 'done 22'].map((name) => book.standing(name)));
  expect(known.map((standing) => standing?.kind ?? null)).toEqual(['begun', 'merged', null, 'done']);
});

it('an answer that is good does not fail for the rest that it cannot end', async () => {
  const shared = alone();
  const book = ledger({ shared, clock, openingsPerHour: 20, spacingMs: 0 });
  await book.refused(new Fault('throttled', 'bilibili.limited', 'too fast'), { stage: 'open', transferId: 'one' });
  const away = { ...shared, swap: () => Promise.reject(new Error('the table is away')) };
  await ledger({ shared: away, clock, openingsPerHour: 20, spacingMs: 0 }).answered('open');
});
