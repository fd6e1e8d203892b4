/** Uploads as 115's own programs make them: a sealed and signed announcement, and the keys to the same bucket. */
import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { jsonOf, parsed } from '../envelope.ts';
import type { HttpRequest } from '../http.ts';
import { looseInt, looseJson, looseSize, looseText, looseTruth } from '../loose.ts';
import { type OssToken, OssTokenData, ossTokenOf } from '../oss-token.ts';
import {
  type Announcement,
  type InitAnswer,
  InitData,
  initAnswer,
  ResumeData,
  targetOf,
  ticketOf,
  type UploadTicket,
} from '../upload.ts';
import { appVersionOf, ask, askJson, type CookieAccount, calming } from './api.ts';
import { sealKeys } from './ecdh.ts';
import { kEc } from './k-ec.ts';
import { cookieRefused, throwRefusal } from './refusals.ts';
import { sealed, unsealed } from './seal.ts';
import { announcementSig, announcementToken } from './signature.ts';

export interface UploadInfo {
  /** Signs announcements: a secret. */
  readonly userKey: string;
  /** Of one file; null when 115 did not say. */
  readonly fileBytesMax: number | null;
}

/** Also the test of whether the cookie is still good: Fault `auth` otherwise. */
export async function uploadInfo(account: CookieAccount, signal: AbortSignal): Promise<UploadInfo> {
  const url = `${account.hosts.api}/app/uploadinfo`;
  return askJson(account, { method: 'GET', url, fields: {}, read: uploadInfoIn }, signal);
}

/** Announces a file. `userKey` of `uploadInfo`. */
export async function initUpload(
  account: CookieAccount,
  { userKey, ...file }: Announcement & { readonly userKey: string },
  signal: AbortSignal,
): Promise<InitAnswer> {
  const keys = sealKeys(account.hosts.publicKey);
  // Made when its turn has come: 115 looks at the time in it.
  const make = (): HttpRequest => {
    const [first = 0, second = 0] = randomBytes(2);
    const t = Math.trunc(account.clock.now());
    const query = new URLSearchParams({ k_ec: kEc(keys.blob, t, { first, second }) });
    return {
      method: 'POST',
      url: `${account.hosts.upload}/4.0/initupload.php?${query}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: sealed(formOf(account, file, userKey, t), keys),
    };
  };
  return calming(account, async () => {
    const answer = await ask(account, make, signal);
    // A refusal may come in the clear. Of 128 sealed answers one begins like it, but none is text all through.
    const isText = (answer.bytes[0] === 0x7b || answer.bytes[0] === 0x3c) && isUtf8(answer.bytes);
    const isClear = answer.status !== 200 || isText;
    const told = isClear ? jsonOf(answer) : looseJsonOf(unsealed(answer.bytes, keys));
    throwRefusal(told, 'initupload');
    return initAnswer(parsed(InitData, told, 'initupload'));
  });
}

/** Keys for an hour. */
export async function ossToken(account: CookieAccount, signal: AbortSignal): Promise<OssToken> {
  const url = `${account.hosts.upload}/3.0/gettoken.php`;
  return askJson(account, { method: 'GET', url, fields: {}, read: tokenIn }, signal);
}

/** A fresh callback for an upload that was begun. */
export async function resumeUpload(
  account: CookieAccount,
  upload: Pick<Announcement, 'sizeBytes' | 'folderId' | 'sha1'> & { readonly pickCode: string },
  signal: AbortSignal,
): Promise<UploadTicket> {
  const fields = {
    pickcode: upload.pickCode,
    userid: account.cookie.userId,
    target: targetOf(upload.folderId),
    fileid: upload.sha1.toUpperCase(),
    filesize: upload.sizeBytes,
  };
  const url = `${account.hosts.upload}/3.0/resumeupload.php`;
  const read = (told: unknown): UploadTicket => {
    throwRefusal(told, 'resumeupload');
    return ticketOf(parsed(ResumeData, told, 'resumeupload'));
  };
  return askJson(account, { method: 'POST', url, fields, read }, signal);
}

function uploadInfoIn(told: unknown): UploadInfo {
  const info = parsed(Info, told, 'uploadinfo');
  if (info.userkey === undefined || info.userkey === '') {
    throw cookieRefused(info.errno || info.code || 0, info.error || info.message || '');
  }
  return { userKey: info.userkey, fileBytesMax: info.size_limit ?? null };
}

function tokenIn(told: unknown): OssToken {
  const { StatusCode, ErrorMessage } = parsed(TokenStatus, told, 'gettoken');
  if (StatusCode === 200) return ossTokenOf(parsed(OssTokenData, told, 'gettoken'));
  const text = `115 gave no keys to its bucket (${StatusCode}): it is tried again`;
  if (!ErrorMessage.startsWith('Throttling')) throw new Fault('transient', 'pan115.unavailable', text);
  throw new Fault('throttled', 'pan115.limited', text, { retryAfterMs: THROTTLED_MS });
}

/** What limits here is 115's own account at Aliyun. */
const THROTTLED_MS = 60_000;

/** By name, as 115's programs send it. */
function formOf(account: CookieAccount, file: Announcement, userKey: string, t: number): string {
  const appVersion = appVersionOf(account);
  const target = targetOf(file.folderId);
  const { userId } = account.cookie;
  const signed = { userId, fileId: file.sha1.toUpperCase(), sizeBytes: file.sizeBytes, target };
  const { signature } = file;
  const form = new URLSearchParams({
    appid: '0',
    appversion: appVersion,
    fileid: signed.fileId,
    filename: file.name,
    filesize: String(file.sizeBytes),
    sig: announcementSig(signed, userKey),
    t: String(t),
    target,
    token: announcementToken(signed, { t, appVersion, signature }),
    // Without it 115 refuses files of more than 20 GB.
    topupload: 'true',
    userid: userId,
    ...(signature === undefined ? {} : { sign_key: signature.signKey, sign_val: signature.signVal }),
  });
  form.sort();
  return form.toString();
}

function looseJsonOf(text: string): unknown {
  try {
    return looseJson(text);
  } catch {
    throw new Fault('transient', 'pan115.bad_answer', '115 answered something that is no JSON');
  }
}

const Info = z.object({
  state: looseTruth.optional(),
  userkey: z.string().max(256).optional(),
  size_limit: looseSize.optional().catch(undefined),
  errno: looseInt.optional().catch(0),
  code: looseInt.optional().catch(0),
  error: looseText.optional().catch(''),
  message: looseText.optional().catch(''),
});

const TokenStatus = z.object({ StatusCode: looseInt, ErrorMessage: looseText.catch('') });
