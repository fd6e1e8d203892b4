/** A whole upload over both fakes: announced at 115, put into OSS in order, called back, looked for. */
import { expect, onTestFinished, test } from 'vitest';
import { type OssClient, ossClient } from '#clients/oss/client.ts';
import { temporaryCredentials } from '#clients/oss/credentials.ts';
import { beginUpload, completeUpload, type OssPart, putPart } from '#clients/oss/multipart.ts';
import { callbackHeaders, callbackVerdict } from '#clients/pan115/callback.ts';
import { entriesNamed } from '#clients/pan115/open/files.ts';
import { initUpload, ossToken, resumeUpload } from '#clients/pan115/open/upload.ts';
import { OSS_REGION } from '#clients/pan115/oss-token.ts';
import type { UploadTicket } from '#clients/pan115/upload.ts';
import { type FakeOss, startFakeOss } from '../../fakes/oss/server.ts';
import { sha1Of } from '../../fakes/pan115/world.ts';
import { bytesOf } from './content.ts';
import { type OpenRig, openRig } from './rig.ts';

const BYTES = bytesOf('F', 300_000);
const PART_BYTES = 102_400;
const FILE = { name: 'a.mkv', sizeBytes: BYTES.length, folderId: '0', sha1: sha1Of(BYTES) };

interface Rigged extends OpenRig {
  readonly oss: FakeOss;
  readonly client: OssClient;
  readonly ticket: UploadTicket;
}

async function begun(file = FILE): Promise<Rigged> {
  const oss = await startFakeOss({ bucket: 'fhnfile', region: OSS_REGION, keys: [] });
  onTestFinished(() => oss.close());
  const rig = await openRig({
    ossEndpoint: oss.endpoint,
    grant: (key) => oss.keys.set(key.accessKeyId, key),
    contentOf: (object) => oss.store.objects.get(object)?.bytes,
  });
  const told = await initUpload(rig.api, file, rig.signal);
  if (told.kind !== 'upload') throw new Error(told.kind);
  const credentials = temporaryCredentials(() => ossToken(rig.api, rig.signal), rig.time.now);
  const client = ossClient({
    endpoint: oss.endpoint,
    region: OSS_REGION,
    bucket: told.ticket.bucket,
    credentials,
    forcePathStyle: true,
  });
  onTestFinished(() => client.close());
  return { ...rig, oss, client, ticket: told.ticket };
}

async function put(rig: Rigged, order: 'any' | 'sequential', ticket = rig.ticket) {
  const { client, signal } = rig;
  const key = ticket.object;
  const uploadId = await beginUpload(client, { key, headers: {}, order }, signal);
  const parts: OssPart[] = [];
  for (let start = 0; start < BYTES.length; start += PART_BYTES) {
    const piece = new Uint8Array(BYTES.subarray(start, start + PART_BYTES));
    const body = { sizeBytes: piece.length, open: async () => new Blob([piece]).stream() };
    parts.push(await putPart(client, { key, uploadId, number: parts.length + 1, body }, signal));
  }
  return () => completeUpload(client, { key, uploadId, parts, headers: callbackHeaders(ticket) }, signal);
}

test('a file that is put in order is called back, taken, and known from then on', async () => {
  const rig = await begun();
  const finish = await put(rig, 'sequential');
  const { status, callbackAnswer } = await finish();
  expect(status).toBe(200);
  const verdict = callbackVerdict(callbackAnswer);
  expect(verdict).toMatchObject({ sizeBytes: BYTES.length, sha1: FILE.sha1.toLowerCase() });
  const [entry] = await entriesNamed(rig.api, { folderId: '0', name: FILE.name }, rig.signal);
  expect(entry).toMatchObject({ id: verdict.fileId, sizeBytes: BYTES.length, sha1: verdict.sha1 });
  expect(await initUpload(rig.api, FILE, rig.signal)).toMatchObject({ kind: 'instant' });
});

test('parts in any order leave 115 without a digest: refused, though HTTP says 200', async () => {
  const rig = await begun();
  const finish = await put(rig, 'any');
  const { status, callbackAnswer } = await finish();
  expect(status).toBe(200);
  expect(() => callbackVerdict(callbackAnswer)).toThrow(expect.objectContaining({ code: 'pan115.check_failed' }));
  expect(await entriesNamed(rig.api, { folderId: '0', name: FILE.name }, rig.signal)).toEqual([]);
});

test('a digest that was a lie is found out by the callback', async () => {
  const rig = await begun({ ...FILE, sha1: 'AB'.repeat(20) });
  const finish = await put(rig, 'sequential');
  const { callbackAnswer } = await finish();
  expect(() => callbackVerdict(callbackAnswer)).toThrow(expect.objectContaining({ kind: 'gone' }));
});

test('a callback that 115 refuses inside a 200 is a refusal', async () => {
  const rig = await begun();
  const finish = await put(rig, 'sequential');
  rig.fake.misbehave('/3.0/completeupload.php', 'check fails');
  const { status, callbackAnswer } = await finish();
  expect(status).toBe(200);
  expect(() => callbackVerdict(callbackAnswer)).toThrow(expect.objectContaining({ code: 'pan115.check_failed' }));
});

test.each(['internal error', 'lost reply'] as const)(
  'a callback that ends in %s has no verdict: the folder tells',
  async (habit) => {
    const rig = await begun();
    const finish = await put(rig, 'sequential');
    rig.fake.misbehave('/3.0/completeupload.php', habit);
    const { status, callbackAnswer } = await finish();
    expect(status).toBe(203);
    expect(() => callbackVerdict(callbackAnswer)).toThrow(expect.objectContaining({ code: 'pan115.no_verdict' }));
    const found = await entriesNamed(rig.api, { folderId: '0', name: FILE.name }, rig.signal);
    expect(found).toHaveLength(habit === 'lost reply' ? 1 : 0);
  },
);

test('keys that end in the middle are asked for again, and the upload goes on', async () => {
  const rig = await begun();
  const finish = await put(rig, 'sequential');
  for (const key of rig.oss.keys.values()) rig.oss.keys.set(key.accessKeyId, { ...key, state: 'expired' });
  expect(callbackVerdict((await finish()).callbackAnswer).sizeBytes).toBe(BYTES.length);
  expect(rig.fake.log.filter((name) => name.endsWith('get_token'))).toHaveLength(2);
});

test('an upload that lay for a while ends with the fresh callback', async () => {
  const rig = await begun();
  const fresh = await resumeUpload(rig.api, { ...FILE, pickCode: rig.ticket.pickCode }, rig.signal);
  expect(fresh.object).toBe(rig.ticket.object);
  const finish = await put(rig, 'sequential', fresh);
  expect(callbackVerdict((await finish()).callbackAnswer).sizeBytes).toBe(BYTES.length);
});
