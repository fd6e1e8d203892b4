import { expect, test } from 'vitest';
import {
  ensureFolder,
  entriesNamed,
  entryAt,
  makeFolder,
  removeEntry,
  renameEntry,
  space,
} from '#clients/pan115/open/files.ts';
import { initUpload, ossToken, resumeUpload } from '#clients/pan115/open/upload.ts';
import { latestSignature, preHash, preHashAsk, signAsk } from '#clients/pan115/sign.ts';
import { addNode, know, sha1Of } from '../../fakes/pan115/world.ts';
import { bytesOf } from './content.ts';
import { type OpenRig, openRig } from './rig.ts';

const BIG = bytesOf('F', 2_392_400);
const SMALL = bytesOf('F', 300_000);

/** Announces as the engine does: what is asked is answered, and everything is said again. */
async function announce({ api, signal }: OpenRig, bytes: Buffer, roundsMax = 4) {
  const sha1 = sha1Of(bytes).toLowerCase();
  const answers: Record<string, string> = {};
  const answer = (ask: { id: string; start: number; end: number }) => {
    answers[ask.id] = sha1Of(bytes.subarray(ask.start, ask.end)).toLowerCase();
  };
  const pre = preHashAsk(bytes.length);
  if (pre !== null) answer(pre);
  const file = { name: 'a.mkv', sizeBytes: bytes.length, folderId: '0', sha1 };
  for (;;) {
    const signature = latestSignature(answers);
    const said = { ...file, preHash: preHash({ ...file, answers }), ...(signature === null ? {} : { signature }) };
    const told = await initUpload(api, said, signal);
    const round = (signature?.round ?? 0) + 1;
    if (told.kind !== 'sign' || round > roundsMax) return { told, rounds: round };
    answer(signAsk(told, { round, sizeBytes: bytes.length }));
  }
}

for (const integers of ['as numbers', 'as strings'] as const) {
  test(`a file that 115 has is there at once, when it is small: integers ${integers}`, async () => {
    const rig = await openRig({ integers });
    know(rig.fake.world, SMALL);
    const { told, rounds } = await announce(rig, SMALL);
    expect(rounds).toBe(1);
    expect(told).toMatchObject({ kind: 'instant' });
    const [entry] = await entriesNamed(rig.api, { folderId: '0', name: 'a.mkv' }, rig.signal);
    expect(entry).toMatchObject({ kind: 'file', sizeBytes: 300_000, sha1: sha1Of(SMALL).toLowerCase() });
    expect(told.kind === 'instant' && told.fileId).toBe(entry?.id);
  });
}

test.each(['2392148-2392298', '0-0', '2392399-2392399', '0-2392399'])(
  'the range %s is answered in one round',
  async (range) => {
    const rig = await openRig({ ranges: [range] });
    know(rig.fake.world, BIG);
    expect(await announce(rig, BIG)).toMatchObject({ told: { kind: 'instant' }, rounds: 2 });
  },
);

test.each(['is 8', 'is 6', 'stays 7'] as const)('a wrong answer is asked about anew: it %s', async (wrongSignature) => {
  const { fake, api, signal } = await openRig({ wrongSignature });
  const file = { name: 'a', sizeBytes: BIG.length, folderId: '0', sha1: know(fake.world, BIG) };
  const first = await initUpload(api, file, signal);
  const signKey = first.kind === 'sign' ? first.signKey : '';
  const second = await initUpload(api, { ...file, signature: { signKey, signVal: sha1Of(SMALL) } }, signal);
  expect(second.kind).toBe('sign');
  expect(second.kind === 'sign' && second.signKey).not.toBe(signKey);
});

test('questions without end, and answers that are not taken, are seen by the one who asks', async () => {
  const rig = await openRig();
  rig.fake.misbehave('/open/upload/init', 'asks for ever', 9);
  expect(await announce(rig, BIG, 3)).toMatchObject({ told: { kind: 'sign' }, rounds: 4 });
  const other = await openRig();
  other.fake.misbehave('/open/upload/init', 'takes no signature');
  const { told } = await announce(other, BIG);
  expect(told).toMatchObject({ kind: 'refused', fault: { kind: 'rejected', code: 'pan115.signature_refused' } });
});

test('a range that is not in the file is a broken promise, not a read past its end', async () => {
  const rig = await openRig();
  rig.fake.misbehave('/open/upload/init', 'odd range');
  await expect(announce(rig, BIG)).rejects.toMatchObject({ kind: 'bug', code: 'pan115.bad_answer' });
});

for (const callbackShape of ['object', 'list'] as const) {
  test(`a file that 115 lacks gets a ticket, and later a fresh one for the same object: callback as ${callbackShape}`, async () => {
    const rig = await openRig({ callbackShape });
    const { told } = await announce(rig, SMALL);
    if (told.kind !== 'upload') throw new Error(told.kind);
    expect(told.ticket).toMatchObject({ bucket: 'fhnfile', object: expect.stringMatching(/^[0-9a-f]{40}$/) });
    const upload = { sizeBytes: SMALL.length, folderId: '0', sha1: sha1Of(SMALL), pickCode: told.ticket.pickCode };
    expect(await resumeUpload(rig.api, upload, rig.signal)).toEqual(told.ticket);
    const forgotten = resumeUpload(rig.api, { ...upload, pickCode: 'none' }, rig.signal);
    await expect(forgotten).rejects.toMatchObject({ kind: 'gone', code: 'pan115.session_gone' });
  });
}

test('an announcement whose answer was lost may be made again', async () => {
  const rig = await openRig();
  rig.fake.misbehave('/open/upload/init', 'lost reply');
  await expect(announce(rig, SMALL)).rejects.toMatchObject({ kind: 'transient', code: 'pan115.unavailable' });
  expect((await announce(rig, SMALL)).told.kind).toBe('upload');
});

test.each(['hollow instant', 'empty instant'] as const)('a %s is found out by looking', async (habit) => {
  const rig = await openRig();
  know(rig.fake.world, SMALL);
  rig.fake.misbehave('/open/upload/init', habit);
  const { told } = await announce(rig, SMALL);
  expect(told.kind).toBe('instant');
  const found = await entriesNamed(rig.api, { folderId: '0', name: 'a.mkv' }, rig.signal);
  expect(found.filter(({ sizeBytes }) => sizeBytes === SMALL.length)).toEqual([]);
});

test.each(['Expiration', 'expiration'] as const)('keys to the bucket tell their end as %s', async (expirationName) => {
  const { api, time, signal } = await openRig({ expirationName });
  const now = time.now();
  expect(await ossToken(api, signal)).toMatchObject({
    endpoint: 'https://oss-cn-shenzhen.aliyuncs.com',
    accessKeyId: expect.stringMatching(/^STS\./),
    stsToken: expect.stringMatching(/^CAIS/),
    expiresAtMs: now + 3_600_000,
  });
});

test('folders are made with all that lead to them, once', async () => {
  const { fake, api, signal } = await openRig();
  const id = await ensureFolder(api, '/影视/电影/2025', signal);
  expect(await ensureFolder(api, '影视/电影/2025/', signal)).toBe(id);
  expect(await ensureFolder(api, '/', signal)).toBe('0');
  expect(fake.log.filter((name) => name === 'POST /open/folder/add')).toHaveLength(3);
  expect(await entryAt(api, { path: '/影视/电影' }, signal)).toMatchObject({ kind: 'folder', name: '电影' });
  expect(await entryAt(api, { id }, signal)).toMatchObject({ kind: 'folder', name: '2025' });
});

test('a folder that somebody else has just made is taken', async () => {
  const { fake, api, signal } = await openRig();
  const theirs = addNode(fake.world, { parentId: '0', name: 'both', kind: 'folder' });
  expect(await makeFolder(api, { parentId: '0', name: 'both' }, signal)).toBe(theirs.id);
  await expect(makeFolder(api, { parentId: '9', name: 'x' }, signal)).rejects.toMatchObject({
    code: 'pan115.not_found',
  });
  await expect(makeFolder(api, { parentId: '0', name: 'a<b' }, signal)).rejects.toMatchObject({
    code: 'pan115.name_refused',
  });
});

test('a file that stands where a folder is wanted is told', async () => {
  const { fake, api, signal } = await openRig();
  addNode(fake.world, { parentId: '0', name: 'a', kind: 'file' });
  await expect(ensureFolder(api, '/a', signal)).rejects.toMatchObject({
    kind: 'rejected',
    code: 'pan115.not_a_folder',
  });
});

test.each(['refused', 'empty list'] as const)(
  'what is not there is null, when 115 answers with %s',
  async (missing) => {
    const { api, signal } = await openRig({ missing });
    expect(await entryAt(api, { path: '/nothing' }, signal)).toBeNull();
    expect(await entryAt(api, { id: '5' }, signal)).toBeNull();
  },
);

test('all files of one name are found, the newest first, over pages, and not before 115 shows them', async () => {
  const { fake, time, api, signal } = await openRig({ lagMs: 5_000 });
  for (let n = 0; n < 1200; n++)
    addNode(fake.world, { parentId: '0', name: n % 600 === 0 ? 'twin' : `f${n}`, kind: 'file' });
  expect(await entriesNamed(api, { folderId: '0', name: 'twin' }, signal)).toEqual([]);
  time.pass(5_000);
  fake.log.length = 0;
  const twins = await entriesNamed(api, { folderId: '0', name: 'twin' }, signal);
  expect(fake.log).toHaveLength(2);
  expect(twins).toHaveLength(2);
  expect(Number(twins[0]?.id)).toBeGreaterThan(Number(twins[1]?.id));
});

test('a folder that is gone is not taken for the root, which 115 shows in its place', async () => {
  const { fake, api, signal } = await openRig();
  addNode(fake.world, { parentId: '0', name: 'a', kind: 'file' });
  expect(await entriesNamed(api, { folderId: '77', name: 'a' }, signal)).toEqual([]);
});

test('a file is renamed, but not to another suffix, and removed, also twice', async () => {
  const { fake, api, signal } = await openRig();
  const { id } = addNode(fake.world, { parentId: '0', name: 'a.mkv', kind: 'file' });
  await renameEntry(api, { id, name: 'b.mkv' }, signal);
  expect((await entryAt(api, { id }, signal))?.name).toBe('b.mkv');
  await expect(renameEntry(api, { id, name: 'b.mp4' }, signal)).rejects.toMatchObject({ code: 'pan115.name_refused' });
  await removeEntry(api, { id, parentId: '0' }, signal);
  await removeEntry(api, { id, parentId: '0' }, signal);
  expect(await entryAt(api, { id }, signal)).toBeNull();
});

test('the space that is left, whichever kind of number 115 uses', async () => {
  const { fake, api, signal } = await openRig();
  addNode(fake.world, { parentId: '0', name: 'a', kind: 'file', sizeBytes: 1000 });
  expect(await space(api, signal)).toEqual({ totalBytes: 1024 ** 4, freeBytes: 1024 ** 4 - 1000 });
});
