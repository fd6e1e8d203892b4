import { expect, test } from 'vitest';
import { readCookie } from '#clients/pan115/cookie/cookie.ts';
import { ensureFolder, entriesNamed, makeFolder, space } from '#clients/pan115/cookie/files.ts';
import type { FormFile } from '#clients/pan115/cookie/form.ts';
import { initSample, sendSample } from '#clients/pan115/cookie/sample.ts';
import { initUpload, ossToken, resumeUpload, uploadInfo } from '#clients/pan115/cookie/upload.ts';
import { latestSignature, signAsk } from '#clients/pan115/sign.ts';
import { addNode, know, sha1Of } from '../../fakes/pan115/world.ts';
import { bytesOf } from './content.ts';
import { cookieRig } from './rig.ts';

const BIG = bytesOf('F', 2_392_400);
const SMALL = bytesOf('F', 300_000);

test('a cookie is taken as people paste it, and nothing else of the browser goes along', () => {
  const header = 'UID=1_A1_2; CID=c; SEID=e; KID=k';
  expect(readCookie(`Cookie: acw_tc=x; SEID=e;\n kid=k; UID=1_A1_2; CID=c;`)).toEqual({ header, userId: '1' });
  for (const bad of ['', 'UID=1_A1_2; CID=c', 'UID=x; CID=c; SEID=e', 'UID=1_A1; CID=c; SEID=e e']) {
    expect(() => readCookie(bad)).toThrow(expect.objectContaining({ kind: 'auth', code: 'pan115.bad_cookie' }));
  }
});

test.each(['as numbers', 'as strings'] as const)(
  'a file that 115 has is announced, sealed and signed: integers %s',
  async (integers) => {
    const { fake, account, signal } = await cookieRig({ integers, ranges: ['2392148-2392298'] });
    const { userKey, fileBytesMax } = await uploadInfo(account, signal);
    expect({ userKey, fileBytesMax }).toEqual({ userKey: fake.world.account.userKey, fileBytesMax: 115 * 1024 ** 3 });
    const file = { userKey, name: '电影 & +.mkv', sizeBytes: BIG.length, folderId: '0', sha1: know(fake.world, BIG) };
    const asked = await initUpload(account, file, signal);
    if (asked.kind !== 'sign') throw new Error(asked.kind);
    const ask = signAsk(asked, { round: 1, sizeBytes: BIG.length });
    const answers = { [ask.id]: sha1Of(BIG.subarray(ask.start, ask.end)) };
    const signature = latestSignature(answers) ?? undefined;
    expect(await initUpload(account, { ...file, signature }, signal)).toMatchObject({ kind: 'instant' });
    expect(await entriesNamed(account, { folderId: '0', name: file.name }, signal)).toMatchObject([
      { kind: 'file', sizeBytes: BIG.length, sha1: sha1Of(BIG).toLowerCase() },
    ]);
  },
);

test('a file that 115 lacks gets a ticket, keys to the bucket, and later a fresh ticket', async () => {
  const { fake, time, account, signal } = await cookieRig();
  const { userKey } = await uploadInfo(account, signal);
  const file = { userKey, name: 'a', sizeBytes: SMALL.length, folderId: '0', sha1: sha1Of(SMALL) };
  const told = await initUpload(account, file, signal);
  if (told.kind !== 'upload') throw new Error(told.kind);
  const { pickCode } = told.ticket;
  expect(await resumeUpload(account, { ...file, pickCode }, signal)).toEqual(told.ticket);
  await expect(resumeUpload(account, { ...file, pickCode: 'x' }, signal)).rejects.toMatchObject({ kind: 'gone' });
  const keys = await ossToken(account, signal);
  expect(keys.expiresAtMs - time.now()).toBeLessThanOrEqual(3_600_000);
  fake.misbehave('/3.0/gettoken.php', 'limited by words');
  await expect(ossToken(account, signal)).rejects.toMatchObject({ kind: 'throttled', retryAfterMs: 60_000 });
});

test('a file of 100 GB is announced', async () => {
  const { account, signal } = await cookieRig();
  const { userKey } = await uploadInfo(account, signal);
  const file = { userKey, name: 'a', sizeBytes: 100 * 1024 ** 3, folderId: '0', sha1: sha1Of(SMALL) };
  expect(await initUpload(account, file, signal)).toMatchObject({ kind: 'upload' });
});

test('a cookie that has ended is told as such, on every server', async () => {
  const { account, signal } = await cookieRig();
  const other = { ...account, cookie: { ...account.cookie, header: account.cookie.header.replace('CID=c', 'CID=d') } };
  const file = { userKey: 'k', name: 'a', sizeBytes: 1, folderId: '0', sha1: sha1Of(SMALL) };
  const ended = { kind: 'auth', code: 'pan115.cookie_refused' };
  await expect(uploadInfo(other, signal)).rejects.toMatchObject({ kind: 'auth' });
  await expect(space(other, signal)).rejects.toMatchObject(ended);
  await expect(initUpload(other, file, signal)).rejects.toMatchObject({ kind: 'auth' });
});

test('a release that is too old, and a signature with another key, are told apart', async () => {
  const { account, signal } = await cookieRig();
  const { userKey } = await uploadInfo(account, signal);
  const file = { userKey, name: 'a', sizeBytes: 1, folderId: '0', sha1: sha1Of(SMALL) };
  const old = initUpload({ ...account, appVersion: '27.0.5.7' }, file, signal);
  await expect(old).rejects.toMatchObject({ kind: 'auth', code: 'pan115.cookie_outdated' });
  const forged = initUpload(account, { ...file, userKey: 'f'.repeat(40) }, signal);
  await expect(forged).rejects.toMatchObject({ kind: 'transient', code: 'pan115.request_refused' });
  await expect(forged).rejects.not.toThrow(userKey);
});

test.each([
  ['html 405', 'throttled', 'pan115.blocked'],
  ['unauthorized', 'transient', 'pan115.unavailable'],
  ['captcha', 'risk', 'pan115.verify'],
  ['garbage', 'transient', 'pan115.bad_answer'],
  ['lost reply', 'transient', 'pan115.unavailable'],
  ['takes no signature', undefined, undefined],
] as const)('an announcement that meets %s', async (habit, kind, code) => {
  const { fake, account, signal } = await cookieRig();
  const { userKey } = await uploadInfo(account, signal);
  fake.misbehave('/4.0/initupload.php', habit);
  const file = { userKey, name: 'a', sizeBytes: 1, folderId: '0', sha1: sha1Of(SMALL) };
  const told = initUpload(account, file, signal);
  if (kind === undefined) expect(await told).toMatchObject({ kind: 'refused', fault: { kind: 'rejected' } });
  else await expect(told).rejects.toMatchObject({ kind, code });
});

test("the firewall's page stops everything that goes by this cookie", async () => {
  const { fake, account, signal } = await cookieRig();
  fake.misbehave('/files/index_info', 'html 405');
  await expect(space(account, signal)).rejects.toMatchObject({ kind: 'throttled', code: 'pan115.blocked' });
  await expect(uploadInfo(account, signal)).rejects.toMatchObject({ kind: 'throttled' });
  expect(fake.log).toHaveLength(1);
});

test('a storm of 770004 costs one request here too', async () => {
  const { fake, time, account, signal } = await cookieRig();
  fake.misbehave('/files/index_info', 'limited');
  await expect(space(account, signal)).rejects.toMatchObject({ code: 'pan115.limited', retryAfterMs: 600_000 });
  await expect(space(account, signal)).rejects.toMatchObject({ code: 'pan115.limited' });
  expect(fake.log).toHaveLength(1);
  time.pass(600_000);
  expect(await space(account, signal)).toMatchObject({ totalBytes: 1024 ** 4 });
});

test('a small file goes in one form, and the verdict is read', async () => {
  const { fake, account, signal } = await cookieRig();
  const name = "照片 '1'.jpg";
  const file = fileOf(name, SMALL);
  const ticket = await initSample(account, { name, sizeBytes: file.sizeBytes, folderId: '0' }, signal);
  const verdict = await sendSample(ticket, file, signal);
  expect(verdict).toMatchObject({ sizeBytes: file.sizeBytes, sha1: file.sha1 });
  const [entry] = await entriesNamed(account, { folderId: '0', name }, signal);
  expect(entry?.id).toBe(verdict.fileId);
  fake.misbehave('/', 'check fails');
  await expect(sendSample(ticket, file, signal)).rejects.toMatchObject({ code: 'pan115.check_failed' });
  const forged = sendSample({ ...ticket, signature: 'x' }, file, signal);
  await expect(forged).rejects.toMatchObject({ kind: 'transient', code: 'pan115.form_refused' });
});

test.each([
  ['of other bytes', { sha1: '0'.repeat(40) }, 'rejected', 'pan115.digest_mismatch'],
  ['that is shorter than it was announced', { sizeBytes: SMALL.length + 1 }, 'transient', 'pan115.short_body'],
  ['that is longer than it was announced', { sizeBytes: SMALL.length - 1 }, 'transient', 'pan115.short_body'],
])('the form of a file %s is never whole, and 115 has no file', async (_what, wrong, kind, code) => {
  const { fake, account, signal } = await cookieRig();
  const ticket = await initSample(account, { name: 'a', sizeBytes: 1, folderId: '0' }, signal);
  await expect(sendSample(ticket, { ...fileOf('a', SMALL), ...wrong }, signal)).rejects.toMatchObject({ kind, code });
  expect(fake.world.nodes.size).toBe(0);
});

test.each([
  ['lost reply', 'pan115.unanswered', 1],
  ['internal error', 'pan115.unanswered', 0],
  ['garbage', 'pan115.no_verdict', 0],
] as const)('a form that meets %s leaves open whether 115 has the file', async (habit, code, files) => {
  const { fake, account, signal } = await cookieRig();
  const ticket = await initSample(account, { name: 'a', sizeBytes: 1, folderId: '0' }, signal);
  fake.misbehave('/', habit);
  await expect(sendSample(ticket, fileOf('a', SMALL), signal)).rejects.toMatchObject({ kind: 'transient', code });
  expect(fake.world.nodes.size).toBe(files);
});

test('a bucket that cannot be reached has nothing, and the source is let go', async () => {
  const { fake, account, signal } = await cookieRig();
  const ticket = await initSample(account, { name: 'a', sizeBytes: 1, folderId: '0' }, signal);
  await fake.close();
  const canceled = Promise.withResolvers<void>();
  const open = async () => new ReadableStream<Uint8Array>({ cancel: () => canceled.resolve() }, { highWaterMark: 0 });
  const sending = sendSample(ticket, { ...fileOf('a', SMALL), open }, signal);
  await expect(sending).rejects.toMatchObject({ kind: 'transient', code: 'pan115.unavailable' });
  await canceled.promise;
});

test('folders are made with all that lead to them, once, and theirs are taken', async () => {
  const { fake, account, signal } = await cookieRig();
  const id = await ensureFolder(account, '/影视/2025', signal);
  expect(await ensureFolder(account, '/影视/2025/', signal)).toBe(id);
  expect(fake.log.filter((name) => name === 'POST /files/add')).toHaveLength(2);
  const theirs = addNode(fake.world, { parentId: '0', name: 'both', kind: 'folder' });
  expect(await makeFolder(account, { parentId: '0', name: 'both' }, signal)).toBe(theirs.id);
  await expect(makeFolder(account, { parentId: '0', name: 'a<b' }, signal)).rejects.toMatchObject({ kind: 'rejected' });
});

test('a folder that is gone is not taken for the root, which 115 shows in its place', async () => {
  const { fake, account, signal } = await cookieRig();
  addNode(fake.world, { parentId: '0', name: 'a', kind: 'file' });
  expect(await entriesNamed(account, { folderId: '77', name: 'a' }, signal)).toEqual([]);
  expect(await space(account, signal)).toEqual({ totalBytes: 1024 ** 4, freeBytes: 1024 ** 4 });
});

function fileOf(name: string, bytes: Buffer): FormFile {
  const open = async () => new Blob([new Uint8Array(bytes)]).stream();
  return { name, sizeBytes: bytes.length, sha1: sha1Of(bytes).toLowerCase(), open };
}
