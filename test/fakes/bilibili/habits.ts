/** What the fake Bilibili does wrong, by name. */
import { randomUUID } from 'node:crypto';
import type { Reply } from './exchange.ts';
import { messageOf } from './refusal.ts';

/**
 * Before anything is done, at any operation:
 *
 * | name | what is seen |
 * |---|---|
 * | `throttled-601-voucher` | HTTP 406, `OK: 0`, code 601, and a voucher for a captcha |
 * | `throttled-406` | HTTP 406 and code 406 alone |
 * | `406-empty`, `403-empty` | the status and no body |
 * | `403-html`, `200-html` | the page of a gateway; the second as if all were well |
 * | `ok-zero-in-200` | HTTP 200 with `OK: 0`, no code |
 * | `garbage` | HTTP 200 and half a JSON |
 * | `500`, `502`, `504` | the page of a proxy |
 * | `code N` | HTTP 200 and this code; 601 and -352 have a voucher |
 * | `cut` | the connection is cut |
 * | `reset-midway` | the connection is cut after half the body of the request |
 * | `stalled` | nothing is read or answered until `release`; then all goes on |
 *
 * It is done, and then: `done-but-504` · `done-but-lost`, the connection is cut before a byte of the answer · `csrf-rotates`, the
 * answer brings a new `bili_jct`, and the old one is void.
 *
 * Of one operation only:
 *
 * | name | at | what it does |
 * |---|---|---|
 * | `other-endpoint` | preupload | another line than was asked for; the one asked for is among `endpoints` |
 * | `forgotten` | part, edit | says that it is stored, and it is not |
 * | `part-count` | complete | PART_COUNT_ERR though nothing is missing |
 */
export type Habit =
  | 'throttled-601-voucher'
  | 'throttled-406'
  | '406-empty'
  | '403-empty'
  | '403-html'
  | '200-html'
  | 'ok-zero-in-200'
  | 'garbage'
  | '500'
  | '502'
  | '504'
  | `code ${number}`
  | 'cut'
  | 'reset-midway'
  | 'stalled'
  | 'done-but-504'
  | 'done-but-lost'
  | 'csrf-rotates'
  | 'other-endpoint'
  | 'forgotten'
  | 'part-count';

const TOO_FAST = '您上传视频过快，请您稍作休息后再继续';

const PAGE =
  '<!DOCTYPE html><html><head><meta charset="utf-8"><title>出错啦! - bilibili.com</title></head><body></body></html>';

const EARLY: Partial<Record<Habit, () => Reply>> = {
  'throttled-601-voucher': tooFast,
  'throttled-406': () => ({ status: 406, json: { code: 406, message: TOO_FAST } }),
  '406-empty': () => ({ status: 406, text: '' }),
  '403-empty': () => ({ status: 403, text: '' }),
  '403-html': () => ({ status: 403, text: PAGE, type: 'text/html' }),
  '200-html': () => ({ text: PAGE, type: 'text/html' }),
  'ok-zero-in-200': () => ({ json: { OK: 0, info: 'error' } }),
  garbage: () => ({ text: '{"OK":1,"au' }),
  '500': () => proxyPage(500),
  '502': () => proxyPage(502),
  '504': () => proxyPage(504),
};

/** The answer of whoever refuses before anything is done, or null. */
export function early(habit: Habit | undefined): Reply | null {
  if (habit === undefined) return null;
  const code = /^code (-?\d+)$/.exec(habit)?.[1];
  if (code !== undefined) return coded(Number(code));
  return EARLY[habit]?.() ?? null;
}

/** Of a pre-upload that comes too soon. */
export function tooFast(): Reply {
  const detail = { v_voucher: voucher() };
  return { status: 406, json: { OK: 0, info: TOO_FAST, code: 601, message: TOO_FAST, detail } };
}

export function proxyPage(status: number): Reply {
  return { status, text: `<html><head><title>${status}</title></head></html>`, type: 'text/html' };
}

function coded(code: number): Reply {
  const told = { code, message: messageOf(code), ttl: 1 };
  if (code !== 601 && code !== -352) return { json: told };
  const v_voucher = voucher();
  return { json: { ...told, data: { v_voucher } }, headers: { 'x-bili-gaia-vvoucher': v_voucher } };
}

function voucher(): string {
  return `voucher_${randomUUID()}`;
}
