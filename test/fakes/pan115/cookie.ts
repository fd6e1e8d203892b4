/** What 115's own programs ask: sealed announcements, keys, small files as a form. */
import { createHash, createHmac, randomInt } from 'node:crypto';
import { type Exchange, field, type Reply, refuse } from './exchange.ts';
import { openForm, openKey, sealAnswer } from './seal.ts';
import { type Announced, expiration, judge, newKey, pendingOf, ticket } from './uploads.ts';
import { addNode, checkName, folderOf, know, randomHex, type World } from './world.ts';

/** The oldest release that is still taken. */
const MAJOR_MIN = 30;

/** Of a file that is announced without `topupload`. */
const PLAIN_BYTES_MAX = 20 * 1024 ** 3;

export function checkCookie({ headers, world }: Pick<Exchange, 'headers' | 'world'>): void {
  const text = headers.cookie ?? '';
  const pairs = new Map(text.split('; ').map((pair) => pair.split('=', 2) as [string, string]));
  const isOurs = Object.entries(world.account.cookie).every(([name, value]) => pairs.get(name) === value);
  if (!isOurs || text.endsWith(';')) refuse(990001, '登录超时，请重新登录。');
}

export function uploadInfo({ world }: Exchange): Reply {
  const { userId, userKey } = world.account;
  return {
    json: {
      state: true,
      error: '',
      errno: 0,
      user_id: Number(userId),
      userkey: userKey,
      app_id: 0,
      app_version: 0,
      size_limit: 115 * 1024 ** 3,
      upload_allowed: true,
    },
  };
}

/** Refused in the clear, answered sealed. */
export function initUpload({ query, body, world, habit, at }: Exchange): Reply {
  const opened = openKey(query.get('k_ec') ?? '');
  const form = new URLSearchParams(openForm(body, opened));
  const file = announcedIn(form, world, opened.t);
  const verdict = judge(world, file, habit);
  const base = { request: 'upload', statuscode: 0, statusmsg: '', version: '4.0', target: form.get('target') };
  let told: object;
  if (verdict.status === 1) {
    const { pick_code: pickcode, ...rest } = ticket(world, verdict.pending, at('upload')) as Record<string, unknown>;
    told = { ...base, status: 1, pickcode, ...rest };
  } else if (verdict.status === 2) {
    told = { ...base, status: 2, pickcode: verdict.pickCode, fileid: verdict.fileId };
  } else {
    const asked = verdict.signKey === '' ? {} : { sign_key: verdict.signKey, sign_check: verdict.signCheck };
    told = { ...base, status: verdict.status, statuscode: 694 + verdict.status, pickcode: '', ...asked };
  }
  return { bytes: sealAnswer(JSON.stringify(told), opened, randomInt(256)) };
}

function announcedIn(form: URLSearchParams, world: World, low: number): Announced {
  const { userId } = world.account;
  const appVersion = form.get('appversion') ?? '';
  if (Number.parseInt(appVersion, 10) < MAJOR_MIN) refuse(403, '请升级到最新版本');
  const t = form.get('t') ?? '';
  if (form.get('userid') !== userId || form.get('appid') !== '0') refuse(402, 'userid invalid');
  if (!/^\d{10}(\d{3})?$/.test(t) || Number(BigInt(t) & 0xffffffffn) !== low) refuse(400, 'sig invalid');
  const sha1 = form.get('fileid') ?? '';
  if (!/^[0-9A-F]{40}$/.test(sha1)) refuse(402, 'fileid invalid');
  const size = form.get('filesize') ?? '';
  const target = form.get('target') ?? '';
  const [signKey, signVal] = [form.get('sign_key') ?? '', form.get('sign_val') ?? ''];
  if (form.get('sig') !== sigOf(world, sha1, target)) refuse(400, 'sig invalid');
  const token = tokenOf({ sha1, size, signKey, signVal, userId, t, appVersion });
  if (form.get('token') !== token) refuse(400, 'token invalid');
  const sizeBytes = Number(size);
  const isTooBig = sizeBytes > PLAIN_BYTES_MAX && form.get('topupload') !== 'true';
  if (!/^\d{1,15}$/.test(size) || isTooBig) refuse(402, 'filesize invalid');
  return {
    sha1,
    sizeBytes,
    folderId: folderOf(world, target),
    name: checkName(form.get('filename') ?? ''),
    signKey,
    signVal,
  };
}

export function sigOf(world: World, sha1: string, target: string): string {
  const { userId, userKey } = world.account;
  const inner = createHash('sha1').update([userId, sha1, target, '0'].join('')).digest('hex');
  return createHash('sha1').update([userKey, inner, '000000'].join('')).digest('hex').toUpperCase();
}

export function tokenOf(from: {
  readonly sha1: string;
  readonly size: string;
  readonly signKey: string;
  readonly signVal: string;
  readonly userId: string;
  readonly t: string;
  readonly appVersion: string;
}): string {
  const hash = createHash('md5').update('Qclm8MGWUv59TnrR0XPg');
  for (const part of [from.sha1, from.size, from.signKey, from.signVal, from.userId, from.t]) hash.update(part);
  hash.update(createHash('md5').update(from.userId).digest('hex'));
  return hash.update(from.appVersion).digest('hex');
}

/** Needs no login. */
export function getToken({ world }: Exchange): Reply {
  const key = newKey(world);
  return {
    json: {
      StatusCode: '200',
      AccessKeyId: key.accessKeyId,
      AccessKeySecret: key.accessKeySecret,
      SecurityToken: key.stsToken,
      [world.settings.expirationName]: expiration(key),
    },
  };
}

export function resumeUpload({ form, world, at }: Exchange): Reply {
  const pending = pendingOf(world, form.get('pickcode'), form.get('target'));
  if (form.get('userid') !== world.account.userId) refuse(402, 'userid invalid');
  const { pick_code: pickcode, ...rest } = ticket(world, pending, at('upload')) as Record<string, unknown>;
  return { json: { request: 'upload', status: 1, statuscode: 0, statusmsg: '', pickcode, ...rest } };
}

const SAMPLE_KEY = 'sample-secret';

export function sampleInit({ form, world, at }: Exchange): Reply {
  checkName(form.get('filename') ?? '');
  field(form, 'filesize', /^\d{1,15}$/);
  if (form.get('userid') !== world.account.userId) refuse(402, 'userid invalid');
  const folderId = folderOf(world, form.get('target'));
  const expire = Math.floor(world.settings.now() / 1000) + 600;
  const rules = {
    expiration: new Date(expire * 1000).toISOString(),
    conditions: [['content-length-range', 0, 5368709120]],
  };
  const policy = Buffer.from(JSON.stringify(rules)).toString('base64');
  const callback = Buffer.from(JSON.stringify({ callbackUrl: 'samplecompleteupload.php', folderId })).toString(
    'base64',
  );
  const signature = createHmac('sha1', SAMPLE_KEY).update(policy).digest('base64');
  return {
    json: { object: randomHex(20), accessid: 'SAMPLEKEY', host: at('bucket'), policy, signature, expire, callback },
  };
}

/** The bucket, which reads no field behind the file and wants to know beforehand how long the form is. */
export async function samplePost({ headers, body, world, habit }: Exchange): Promise<Reply> {
  if (headers['content-length'] === undefined) {
    return { status: 411, type: 'application/xml', text: '<Error><Code>MissingContentLength</Code></Error>' };
  }
  const form = await new Response(new Uint8Array(body), {
    headers: { 'content-type': headers['content-type'] ?? '' },
  }).formData();
  const text = (name: string) => String(form.get(name) ?? '');
  const signature = createHmac('sha1', SAMPLE_KEY).update(text('policy')).digest('base64');
  const isLast = [...form.keys()].at(-1) === 'file';
  const file = form.get('file');
  if (text('signature') !== signature || text('OSSAccessKeyId') !== 'SAMPLEKEY' || !isLast || !(file instanceof File)) {
    return { status: 403, type: 'application/xml', text: '<Error><Code>AccessDenied</Code></Error>' };
  }
  const { expiration: end } = JSON.parse(Buffer.from(text('policy'), 'base64').toString());
  if (Date.parse(end) < world.settings.now()) return { status: 403, text: '<Error><Code>AccessDenied</Code></Error>' };
  if (habit === 'check fails') return { json: { state: false, message: '校验文件失败', code: 10002, data: [] } };
  const bytes = Buffer.from(await file.arrayBuffer());
  const { folderId } = JSON.parse(Buffer.from(text('callback'), 'base64').toString());
  const sha1 = know(world, bytes);
  const node = addNode(world, { parentId: folderId, name: text('name'), kind: 'file', sizeBytes: bytes.length, sha1 });
  const data = { aid: 1, cid: folderId, file_name: node.name, file_id: node.id, file_size: String(bytes.length), sha1 };
  return { json: { state: true, message: '', code: 0, data: { ...data, pick_code: node.pickCode } } };
}
