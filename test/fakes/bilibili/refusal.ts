/** How Bilibili says no: a code with its words, or at the store of the uploads a status. */
import type { Reply } from './exchange.ts';

export class Refusal extends Error {
  readonly reply: Reply;

  constructor(reply: Reply) {
    super('refused');
    this.reply = reply;
  }
}

/** HTTP 200 with a code. */
export function refuse(code: number): never {
  throw new Refusal({ json: { code, message: messageOf(code), ttl: 1 } });
}

/** Of the pre-upload. How it refuses other things than haste is not known; an assumption. */
export function refusePreupload(code: number): never {
  throw new Refusal({ json: { OK: 0, code, info: messageOf(code), message: messageOf(code) } });
}

/** Of the store, for what it has words for. Those of PART_COUNT_ERR are real, the others are made after them. */
export function refuseStored(status: number, words: string): never {
  const error = `/data/app/bvcupos_stor/ctrl/multipart.lua:210: ${words}`;
  throw new Refusal({ status, json: { error, http_code: status, reqid: '', title: 'UposstorException' } });
}

/** Of the store, without a body. */
export function refuseBare(status: number, headers: Readonly<Record<string, string>> = {}): never {
  throw new Refusal({ status, text: '', headers });
}

export function messageOf(code: number): string {
  return MESSAGES[code] ?? '服务调用异常';
}

const MESSAGES: Readonly<Record<number, string>> = {
  [-101]: '账号未登录',
  [-111]: 'csrf 校验失败',
  [-352]: '风控校验失败',
  [-400]: '请求错误',
  [-404]: '啥都木有',
  601: '请输入验证码信息',
  10009: '同一个视频，不能短时间同时提交到不同稿件',
  20001: '服务异常，请稍后再试',
  21001: '参数错误',
  21005: '标签不能为空，数量不能超过12个，每个不能超过20个字',
  21012: '标题重复',
  21015: '分P上传有问题，请重新上传',
  21021: '转载稿件请填写来源',
  21058: '分P数量超过上限',
  21070: '投稿过于频繁，请等待30秒',
  21103: '标题不能超过80字',
  21564: '投稿过于频繁，请24小时后再试',
  21566: '投稿过于频繁，建议将APP升级至最新版本后再试',
  21590: '投稿工具已停用',
  86095: 'refresh_csrf 错误或 refresh_token 与 cookie 不匹配',
  137022: '投稿过于频繁，请稍后再试',
};
