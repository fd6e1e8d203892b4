import { expect, it } from 'vitest';
import type { Alert } from '#core/wire/alert.ts';
import { alertStore } from '../../web/app/alert-store.ts';
import { alertWords } from '../../web/app/alert-words.ts';
import { en } from '../../web/i18n/en.ts';
import { formats } from '../../web/i18n/format.ts';
import { zh } from '../../web/i18n/zh.ts';

const raised: Alert = {
  id: 'alr_1',
  kind: 'failure_rate',
  subject: '',
  message: '4 of 31 transfers failed',
  values: { failed: 4, ended: 31, percent: 13 },
  raisedAt: '2026-11-22T08:00:00.000Z',
  endedAt: null,
};

it('the word that an alert began or is over shows it, and is no message besides', async () => {
  let kept: readonly Alert[] = [];
  const store = alertStore({ listAlerts: async () => kept }, () => 0);
  await store.load();
  kept = [raised];
  await store.heed({ title: 'Many transfers fail', content: raised.message, type: 'warning' });
  kept = [{ ...raised, endedAt: '2026-11-22T09:00:00.000Z' }];
  await store.heed({ title: 'Over', content: `well again; since ${raised.raisedAt} it was not`, type: 'info' });
  expect(store.snapshot()).toMatchObject({ alerts: kept, messages: [] });
});

it('other words are kept, the newest twenty of them', async () => {
  const store = alertStore({ listAlerts: async () => [] }, () => 7);
  for (let n = 1; n <= 25; n += 1) await store.heed({ title: `word ${n}`, content: '', type: 'info' });
  const { messages } = store.snapshot();
  expect(messages).toHaveLength(20);
  expect(messages[0]).toMatchObject({ notice: { title: 'word 25' }, atMs: 7 });
});

it('without an answer what was known stays', async () => {
  let isThere = true;
  const store = alertStore(
    { listAlerts: async () => (isThere ? [raised] : Promise.reject(new Error('away'))) },
    () => 0,
  );
  await store.load();
  isThere = false;
  await store.load();
  expect(store.snapshot().alerts).toEqual([raised]);
});

it.each([
  ['agent_offline', { name: 'Office', lastSeenAt: '2026-11-22T08:00:00.000Z' }],
  ['failure_rate', { failed: 4, ended: 31, percent: 13 }],
  ['address_refused', { agent: 'office', code: 'bilibili.resting' }],
  ['low_speed', { bytesPerSecond: 1000, usualBytesPerSecond: 9_000_000 }],
] as const)('%s is said in both languages, with where to go, also when a value is missing', (kind, values) => {
  for (const [words, locale] of [
    [en, 'en'],
    [zh, 'zh-CN'],
  ] as const) {
    const { what, more, goTo } = alertWords(words, formats(locale), { ...raised, kind, values, subject: 'office' });
    expect(what).not.toBe('');
    expect(more).not.toMatch(/undefined|NaN|Invalid/);
    expect(words.nav[goTo]).not.toBe('');
    const bare = alertWords(words, formats(locale), { ...raised, kind, values: {}, subject: 'office' });
    expect(`${bare.what} ${bare.more}`).not.toMatch(/undefined|NaN|Invalid/);
  }
});

it('an alert of the home itself leads to no agents, and a speed without a habit is compared with none', () => {
  const home = {
    ...raised,
    kind: 'address_refused',
    subject: 'home',
    values: { agent: '', code: 'pan115.verify' },
  } as const;
  expect(alertWords(en, formats('en'), home)).toMatchObject({ what: en.alerts.refusedHome, goTo: 'transfers' });
  const still = { ...raised, kind: 'low_speed', subject: 'films', values: { bytesPerSecond: 0 } } as const;
  expect(alertWords(en, formats('en'), still).more).toBe(en.alerts.nothingMoves);
});
