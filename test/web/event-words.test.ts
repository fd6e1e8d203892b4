/** The history of a transfer, in words. */
import { expect, it } from 'vitest';
import { eventReason, eventWords } from '../../web/app/event-words.ts';
import { en } from '../../web/i18n/en.ts';
import { zh } from '../../web/i18n/zh.ts';

const event = (type: string, code?: string) => ({
  seq: 1,
  at: '2026-11-22T00:00:00.000Z',
  type,
  ...(code && { code }),
});

it('which way a file goes is said in words, and which ways were passed over', () => {
  expect(eventWords(en.detail, event('note', 'way.mount'))).toBe('Goes by the mount');
  expect(eventWords(en.detail, event('note', 'passed.webdav.off'))).toBe('Not by WebDAV');
  expect(eventWords(zh.detail, event('note', 'way.remote'))).toBe('途径：远程上传');
});

it('what has no words of its own is shown as it is', () => {
  expect(eventWords(en.detail, event('note', 'way.pigeon'))).toBe('Goes by pigeon');
  expect(eventWords(en.detail, event('fault', 'oss.late'))).toBe('Trouble, tried again');
  expect(eventWords(en.detail, event('something_new'))).toBe('something_new');
  expect(eventWords(en.detail, event('note'))).toBe('note');
});

it('the reason of trouble is said in both languages, for one service or for all alike', () => {
  expect(eventReason(en, event('fault', 'oss.unavailable'))).toBe('The destination does not answer properly.');
  expect(eventReason(zh, event('fault', 'agents.none'))).toBe('没有能执行此任务的代理在线。');
  expect(eventReason(en, event('fault', 'pigeon.lost'))).toBe('');
  expect(eventReason(en, event('note', 'way.mount'))).toBe('');
});
