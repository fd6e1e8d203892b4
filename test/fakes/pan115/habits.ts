/** What the fake 115 does wrong, by name. */
import type { Reply } from './exchange.ts';

/**
 * Before anything is done:
 * - `cut`: the connection is cut · `internal error`: HTTP 500 · `unauthorized`: HTTP 401 without a word
 * - `html 405`: the firewall's page · `limited`: 770004, for ten minutes and over all endpoints
 * - `limited by words`: no number, only "try again later" · `captcha`: 911 · `token refused`: 40140125, though it is good
 * - `garbage`: half a JSON · `redirect`: to another server
 *
 * Done, and then:
 * - `lost reply`: the connection is cut before a byte of the answer
 *
 * Of the announcement only: `hollow instant` says that it has the file, and shows none · `empty instant` shows one of 0 bytes ·
 * `asks for ever` · `takes no signature` 6 without a new range · `odd range` one that is not in the file
 *
 * Of the callback only: `check fails` HTTP 200 with `state` false
 */
export type Habit =
  | 'cut'
  | 'internal error'
  | 'unauthorized'
  | 'html 405'
  | 'limited'
  | 'limited by words'
  | 'captcha'
  | 'token refused'
  | 'garbage'
  | 'redirect'
  | 'lost reply'
  | 'hollow instant'
  | 'empty instant'
  | 'asks for ever'
  | 'takes no signature'
  | 'odd range'
  | 'check fails';

const PAGE = '<!doctype html><html lang="zh"><title>405</title><body>很抱歉，由于您访问的URL有可能对网站造成安全威胁';

const EARLY: Partial<Record<Habit, Reply>> = {
  'internal error': { status: 500, text: 'upstream' },
  unauthorized: { status: 401, text: '' },
  'html 405': { status: 405, text: PAGE, type: 'text/html' },
  'limited by words': { json: { state: false, message: '操作过于密集，请稍后再试', code: 0, data: [] } },
  captcha: { json: { state: false, message: '请验证账号', code: 911, data: [] } },
  'token refused': { json: { state: false, message: 'access_token 无效', code: 40140125, data: [] } },
  garbage: { text: '{"state":tr' },
  redirect: { status: 302, text: '', location: '/elsewhere' },
};

/** The keys to the bucket are limited in words of Aliyun's. */
const THROTTLED: Reply = { json: { StatusCode: '400', ErrorCode: '400', ErrorMessage: 'Throttling.User' } };

/** The answer of whoever refuses before anything is done, or null. */
export function early(habit: Habit | undefined, endpoint: string): Reply | null {
  if (habit === 'limited by words' && endpoint === 'GET /3.0/gettoken.php') return THROTTLED;
  return habit === undefined ? null : (EARLY[habit] ?? null);
}
