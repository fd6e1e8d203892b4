/** Announcements, keys to the bucket, resumption, and the callback that ends an upload. */
import { randomInt } from 'node:crypto';
import { done, type Exchange, field, type Reply, refuse } from './exchange.ts';
import type { Habit } from './habits.ts';
import { pickCodeOf } from './pick-code.ts';
import {
  addNode,
  type Content,
  checkName,
  folderOf,
  know,
  type Pending,
  randomHex,
  type StsKey,
  sha1Of,
  type World,
} from './world.ts';

const PRE_HASH_BYTES = 131_072;
const BUCKET = 'fhnfile';

export interface Announced {
  readonly name: string;
  readonly sizeBytes: number;
  readonly folderId: string;
  readonly sha1: string;
  readonly signKey: string;
  readonly signVal: string;
}

export type Judgement =
  | { readonly status: 1; readonly pending: Pending }
  | { readonly status: 2; readonly fileId: string; readonly pickCode: string }
  | { readonly status: 6 | 7 | 8; readonly signKey: string; readonly signCheck: string };

/** What becomes of an announcement. The digest is believed: nobody has seen the bytes yet. */
export function judge(world: World, file: Announced, habit: Habit | undefined): Judgement {
  if (habit === 'asks for ever') return ask(world, file, 7);
  if (habit === 'takes no signature') return { status: 6, signKey: '', signCheck: '' };
  if (habit === 'odd range') return { ...ask(world, file, 7), signCheck: `0-${file.sizeBytes}` };
  if (habit === 'hollow instant') return { status: 2, fileId: '3499999999999999999', pickCode: pickCodeOf(7n, 'b') };
  const known = world.contents.get(file.sha1);
  if (known === undefined || known.length !== file.sizeBytes) return { status: 1, pending: begin(world, file) };
  if (known.length >= world.settings.challengeFromBytes) {
    const verdict = judgeSignature(world, file, known);
    if (verdict !== 'proven') return verdict;
  }
  const sizeBytes = habit === 'empty instant' ? 0 : file.sizeBytes;
  const node = addNode(world, { parentId: file.folderId, name: file.name, kind: 'file', sizeBytes, sha1: file.sha1 });
  return { status: 2, fileId: node.id, pickCode: node.pickCode };
}

function judgeSignature(world: World, file: Announced, known: Content): Judgement | 'proven' {
  if (file.signKey === '') return ask(world, file, 7);
  const asked = world.challenges.get(file.signKey);
  world.challenges.delete(file.signKey);
  if (asked !== undefined && asked.sha1 === file.sha1 && asked.folderId === file.folderId) {
    if (sha1Of(known.subarray(asked.first, asked.last + 1)) === file.signVal) return 'proven';
  }
  return ask(world, file, { 'is 8': 8, 'is 6': 6, 'stays 7': 7 }[world.settings.wrongSignature] as 6 | 7 | 8);
}

function ask(world: World, file: Announced, status: 6 | 7 | 8): Judgement & { status: 6 | 7 | 8 } {
  const first = randomInt(file.sizeBytes);
  const drawn = `${first}-${Math.min(file.sizeBytes - 1, first + randomInt(1, 300))}`;
  const signCheck = world.ranges.shift() ?? drawn;
  const signKey = randomHex(20).toUpperCase();
  const [from = 0, to = 0] = signCheck.split('-').map(Number);
  world.challenges.set(signKey, { sha1: file.sha1, folderId: file.folderId, first: from, last: to });
  return { status, signKey, signCheck };
}

function begin(world: World, { name, sizeBytes, folderId, sha1 }: Announced): Pending {
  const pickCode = pickCodeOf(3_480_000_000_000_000_000n + BigInt(world.pending.size), 'e');
  const object =
    Math.floor(world.settings.now() / 1000)
      .toString(16)
      .padStart(8, '0') + randomHex(16);
  const pending = { pickCode, object, folderId, name, sizeBytes, sha1, node: null };
  world.pending.set(pickCode, pending);
  return pending;
}

export function init({ form, world, habit, at }: Exchange): Reply {
  const sha1 = field(form, 'fileid', /^[0-9A-F]{40}$/);
  const file: Announced = {
    sha1,
    name: checkName(form.get('file_name') ?? ''),
    sizeBytes: Number(field(form, 'file_size', /^\d{1,15}$/)),
    folderId: folderOf(world, form.get('target')),
    signKey: form.get('sign_key') ?? '',
    signVal: form.get('sign_val') ?? '',
  };
  checkPreHash(world, sha1, form.get('preid'));
  const verdict = judge(world, file, habit);
  const base = { target: form.get('target'), version: '4.0', bucket: '', object: '', callback: [], pick_code: '' };
  switch (verdict.status) {
    case 1:
      return done({ ...base, ...ticket(world, verdict.pending, at('upload')), status: 1, code: 0, file_id: '' });
    case 2:
      return done({ ...base, status: 2, code: 0, file_id: verdict.fileId, pick_code: verdict.pickCode });
    default: {
      const asked = verdict.signKey === '' ? {} : { sign_key: verdict.signKey, sign_check: verdict.signCheck };
      return done({ ...base, ...asked, status: verdict.status, code: 694 + verdict.status });
    }
  }
}

/** 115 lets a wrong one pass; it is wrong all the same. */
function checkPreHash(world: World, sha1: string, preId: string | null): void {
  if (preId === null) return;
  if (!/^[0-9A-F]{40}$/.test(preId)) refuse(40100000, '参数错误: preid');
  const known = world.contents.get(sha1);
  if (known !== undefined && sha1Of(known.subarray(0, PRE_HASH_BYTES)) !== preId) refuse(40100000, '参数错误: preid');
}

export function getToken({ world }: Exchange): Reply {
  const key = newKey(world);
  return done({
    endpoint: world.settings.ossEndpoint,
    AccessKeyId: key.accessKeyId,
    AccessKeySecret: key.accessKeySecret,
    SecurityToken: key.stsToken,
    [world.settings.expirationName]: expiration(key),
  });
}

export function newKey(world: World): StsKey {
  const key = {
    accessKeyId: `STS.${randomHex(12)}`,
    accessKeySecret: randomHex(20),
    stsToken: `CAIS${randomHex(40)}`,
    expiresAtMs: world.settings.now() + world.settings.stsSeconds * 1000,
  };
  world.settings.grant(key);
  return key;
}

export function expiration({ expiresAtMs }: StsKey): string {
  return new Date(expiresAtMs).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Pick code and target decide; digest and size are only looked at. */
export function resume({ form, world, at }: Exchange): Reply {
  field(form, 'fileid', /^[0-9A-F]{40}$/);
  field(form, 'file_size', /^\d{1,15}$/);
  const pending = pendingOf(world, form.get('pick_code'), form.get('target'));
  return done({ target: form.get('target'), version: '4.0', ...ticket(world, pending, at('upload')) });
}

export function pendingOf(world: World, pickCode: string | null, target: string | null): Pending {
  const pending = world.pending.get(pickCode ?? '');
  if (pending === undefined || pending.node !== null) refuse(50003, '提取码不存在');
  if (folderOf(world, target) !== pending.folderId) refuse(40100000, '参数错误: target');
  return pending;
}

export function ticket(world: World, pending: Pending, uploadUrl: string): object {
  const pair = {
    callback: JSON.stringify({ callbackUrl: `${uploadUrl}/3.0/completeupload.php`, callbackBody: callbackBody() }),
    callback_var: JSON.stringify({
      'x:pick_code': pending.pickCode,
      'x:user_id': world.account.userId,
      'x:behavior_type': '0',
      'x:source': '5',
      'x:target': `U_1_${pending.folderId}`,
    }),
  };
  const callback = world.settings.callbackShape === 'list' ? [pair] : pair;
  return { pick_code: pending.pickCode, bucket: BUCKET, object: pending.object, callback };
}

/** What OSS fills in, in 115's order. */
function callbackBody(): string {
  const own = ['bucket', 'object', 'size', 'sha1'].map((name) => `${name}=\${${name}}`);
  const given = ['pick_code', 'user_id', 'behavior_type', 'source', 'target'].map((name) => `${name}=\${x:${name}}`);
  return [...own, ...given].join('&');
}

/** OSS tells that it has an object. The answer becomes OSS's own, refusals too. */
export function complete({ form, world, habit }: Exchange): Reply {
  const pending = world.pending.get(form.get('pick_code') ?? '');
  if (pending === undefined || form.get('user_id') !== world.account.userId) return unchecked(50003, '提取码不存在');
  const isRight =
    form.get('bucket') === BUCKET &&
    form.get('object') === pending.object &&
    form.get('size') === String(pending.sizeBytes) &&
    form.get('sha1') === pending.sha1 &&
    form.get('target') === `U_1_${pending.folderId}`;
  if (!isRight || habit === 'check fails') return unchecked(10002, '校验文件失败，请重新上传。');
  const { folderId, name, sizeBytes, sha1 } = pending;
  pending.node ??= addNode(world, { parentId: folderId, name, kind: 'file', sizeBytes, sha1 });
  const bytes = world.settings.contentOf(pending.object);
  if (bytes !== undefined) know(world, bytes);
  return done({
    pick_code: pending.node.pickCode,
    file_name: name,
    file_size: sizeBytes,
    file_id: pending.node.id,
    thumb_url: '',
    sha1,
    aid: 1,
    cid: folderId,
    is_video: 0,
  });
}

function unchecked(code: number, message: string): Reply {
  return { json: { state: false, message, code, data: [] } };
}
