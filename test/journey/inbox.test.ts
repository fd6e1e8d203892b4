/** Whole objects put by an S3 client, as the bucket's owner would with any tool. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CopyObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, type ServerHome, serverHome } from '../support/server.ts';
import { sha256, testBytes } from '../support/staging-client.ts';

let home: ServerHome;
let server: RunningServer;
let client: S3Client;
let bucket: string;

beforeAll(async () => {
  home = await serverHome();
  server = await home.start();
  const s3 = JSON.parse(await readFile(join(home.dataDir, 's3.json'), 'utf8'));
  bucket = s3.bucket;
  client = new S3Client({
    endpoint: s3.endpoint,
    region: s3.region,
    forcePathStyle: true,
    credentials: { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey },
  });
});

afterAll(async () => {
  client?.destroy();
  await home?.cleanup();
});

const put = (key: string, body: Uint8Array) =>
  client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));

async function transfers(): Promise<any[]> {
  const { body } = await server.api('GET', '/api/v1/transfers?limit=200');
  return body.items;
}

async function untilDone(name: string): Promise<any> {
  for (;;) {
    const found = (await transfers()).find((view) => view.name === name && view.phase === 'done');
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const delivered = (...path: string[]) => join(home.dataDir, 'delivered', ...path);

test.each([
  ['a plain name', 'plain.bin'],
  ['spaces', 'with two  spaces.bin'],
  ['plus and percent', 'a+b%20c.bin'],
  ['中文', '测试 文件.bin'],
  ['emoji', '😀🚀.bin'],
  ['quotes and signs', `it's "q" & <x> #1?.bin`],
])('an object in the inbox whose name has %s is delivered byte for byte', async (_, name) => {
  const bytes = testBytes(70_001);
  await put(`inbox/folder/影视/2025/${name}`, bytes);
  const view = await untilDone(name);
  expect(view.path).toBe('/影视/2025');
  expect(sha256(await readFile(delivered('影视', '2025', name)))).toBe(sha256(bytes));
});

test('an empty object and a one-byte object arrive', async () => {
  await put('inbox/folder/zero.bin', new Uint8Array());
  await put('inbox/folder/one.bin', Buffer.from('x'));
  await untilDone('zero.bin');
  await untilDone('one.bin');
  expect(await readFile(delivered('zero.bin'))).toHaveLength(0);
  expect(await readFile(delivered('one.bin'), 'utf8')).toBe('x');
});

test('folder markers, unknown destinations, other prefixes and names that climb are not delivered', async () => {
  const before = (await transfers()).length;
  await put('inbox/folder/some/', new Uint8Array());
  await put('inbox/nobody/x.bin', Buffer.from('x'));
  await put('elsewhere/x.bin', Buffer.from('x'));
  await put('inbox/folder/../../escaped.bin', Buffer.from('x'));
  await put('inbox/folder/sentinel.bin', Buffer.from('s'));
  await untilDone('sentinel.bin');
  expect((await transfers()).length).toBe(before + 1);
  expect(await readdir(home.dataDir)).not.toContain('escaped.bin');
});

test('a copy within the bucket is an arrival like any other', async () => {
  await put('elsewhere/source.bin', Buffer.from('copied'));
  const source = `/${bucket}/elsewhere/source.bin`;
  await client.send(new CopyObjectCommand({ Bucket: bucket, Key: 'inbox/folder/copy.bin', CopySource: source }));
  await untilDone('copy.bin');
  expect(await readFile(delivered('copy.bin'), 'utf8')).toBe('copied');
});

test('two contents of one key never mix: each delivered file is one of them as a whole', async () => {
  const versions = Array.from({ length: 6 }, () => testBytes(12 * 1024 * 1024));
  for (const bytes of versions) await put('inbox/folder/swap/same.bin', bytes);
  const newest = sha256(versions.at(-1) ?? new Uint8Array());
  for (;;) {
    const mine = (await transfers()).filter((view) => view.path === '/swap');
    if (mine.length > 0 && mine.every((view) => ['done', 'canceled'].includes(view.phase))) {
      const names = await readdir(delivered('swap'));
      const contents = await Promise.all(names.map(async (name) => sha256(await readFile(delivered('swap', name)))));
      const known = versions.map(sha256);
      expect(contents.every((content) => known.includes(content))).toBe(true);
      if (contents.includes(newest)) break;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const failed = (await transfers()).filter((view) => view.path === '/swap' && view.phase === 'canceled');
  expect(failed.every((view) => view.error === null)).toBe(true);
});

test('an object put while the server was down is found when it starts', async () => {
  await server.stop('SIGKILL');
  server = await home.start();
  await put('inbox/folder/late.bin', Buffer.from('late'));
  // Killed at once: the event, if it was sent at all, dies with the process.
  await server.stop('SIGKILL');
  server = await home.start();
  await untilDone('late.bin');
  expect(await readFile(delivered('late.bin'), 'utf8')).toBe('late');
  expect((await transfers()).filter((view) => view.name === 'late.bin')).toHaveLength(1);
});
