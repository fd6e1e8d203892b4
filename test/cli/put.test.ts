import { createHash, randomBytes } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Around, command, hastyClock } from './command.ts';
import { bytesOf, type FakeServer, fakeServer, finish, TOKEN, viewWith } from './fake-server.ts';

const CHUNK = 64 * 1024;

let fake: FakeServer;
let folder: string;

beforeEach(async () => {
  fake = await fakeServer({ chunkBytes: CHUNK });
  folder = await mkdtemp(join(tmpdir(), 'entrepot-cli-'));
});

afterEach(async () => {
  await fake.close();
  await rm(folder, { recursive: true });
  expect(fake.violations).toEqual([]);
});

async function file(name: string, sizeBytes: number) {
  const bytes = randomBytes(sizeBytes);
  const path = join(folder, name);
  await writeFile(path, bytes);
  return { path, bytes };
}

function put(args: readonly string[], around: Partial<Around> = {}) {
  const env = { ENTREPOT_URL: fake.url, ENTREPOT_TOKEN: TOKEN };
  return command(['put', ...args], { env, clock: hastyClock(), ...around });
}

const only = () => [...fake.uploads.values()][0];

describe('entrepot put', () => {
  it.each([0, 1, CHUNK, CHUNK + 1, 6 * CHUNK - 1])('stages a file of %i bytes, each chunk once', async (sizeBytes) => {
    const { path, bytes } = await file('测试.mp4', sizeBytes);
    const { code, events, errors } = await put([path, '--to', 'nas/影视//2025/']);
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(bytesOf(only())).toEqual(bytes);
    expect(fake.puts.length).toBe(Math.ceil(sizeBytes / CHUNK));
    expect(only()?.request).toEqual({
      name: '测试.mp4',
      sizeBytes,
      destinations: [{ id: 'nas', path: '/影视/2025' }],
    });
    const transferIds = only()?.transfers.map(({ id }) => id);
    expect(events.map(({ event }) => event)).toEqual(['announced', 'staged']);
    expect(events[1]).toMatchObject({ file: path, uploadId: only()?.id, transferIds, sizeBytes, sentBytes: sizeBytes });
  });

  it('sends only what is missing when it is run again after an interruption', async () => {
    const { path, bytes } = await file('a.bin', 10 * CHUNK);
    const stopping = new AbortController();
    fake.onPut = (number) => {
      if (number === 6) stopping.abort();
      return undefined;
    };
    const first = await put([path, '--to', 'nas'], { signal: stopping.signal });
    expect(first.code).toBe(130);
    expect(first.errors).toMatch(/interrupted/);
    const held = [...(only()?.chunks.keys() ?? [])];
    fake.puts.length = 0;
    fake.onPut = () => undefined;
    const second = await put([path, '--to', 'nas']);
    expect(second.code).toBe(0);
    expect(fake.uploads.size).toBe(1);
    expect(bytesOf(only())).toEqual(bytes);
    // A chunk that was on its way when the first run ended may have arrived after the second one looked.
    expect(fake.puts.filter((number) => held.includes(number)).length).toBeLessThan(4);
    expect(held.length).toBeGreaterThan(0);
  });

  it('sends nothing when the same file was delivered before, and another upload with --again', async () => {
    const { path } = await file('a.bin', 2 * CHUNK);
    fake.onStaged = finish;
    await put([path, '--to', 'nas']);
    fake.puts.length = 0;
    const second = await put([path, '--to', 'nas', '--watch']);
    expect(second.code).toBe(0);
    expect(fake.puts).toEqual([]);
    expect((await put([path, '--to', 'nas', '--again'])).code).toBe(0);
    expect(fake.uploads.size).toBe(2);
    expect(fake.puts).toHaveLength(2);
  });

  it('takes a changed file for another one', async () => {
    const { path } = await file('a.bin', CHUNK);
    await put([path, '--to', 'nas']);
    await utimes(path, 1, 1);
    await put([path, '--to', 'nas']);
    expect(fake.uploads.size).toBe(2);
  });

  it('begins anew after a cancel, and tries a failed transfer again', async () => {
    const { path } = await file('a.bin', CHUNK);
    fake.onStaged = (upload) => finish(upload, { phase: 'canceled', status: 'cancelled' });
    await put([path, '--to', 'nas']);
    fake.onStaged = (upload) => finish(upload, { phase: 'failed', status: 'failed' });
    await put([path, '--to', 'nas']);
    expect(fake.uploads.size).toBe(2);
    await put([path, '--to', 'nas']);
    expect(fake.uploads.size).toBe(2);
    expect([...fake.uploads.values()][1]?.transfers[0]).toMatchObject({ phase: 'moving', attempt: 2 });
  });

  it('asks for a fresh address after a 403, tries again after a busy or broken store, takes 412 for done', async () => {
    const { path, bytes } = await file('a.bin', 8 * CHUNK);
    fake.faults.push(403, 'drop', 503, 429, 500, 'drop', 403);
    fake.onAnnounced = (upload) => upload.chunks.set(5, bytes.subarray(4 * CHUNK, 5 * CHUNK));
    const { code, events } = await put([path, '--to', 'nas']);
    expect(code).toBe(0);
    expect(bytesOf(only())).toEqual(bytes);
    expect(events.at(-1)).toMatchObject({ event: 'staged', sentBytes: 7 * CHUNK });
  });

  it('waits for its turn where too many files are under way, as long as that takes', async () => {
    const { path, bytes } = await file('a.bin', CHUNK);
    fake.turns = 50;
    expect(await put([path, '--to', 'nas'])).toMatchObject({ code: 0 });
    expect(bytesOf(only())).toEqual(bytes);
    expect(fake.requests.filter((line) => line === 'POST /api/v1/uploads')).toHaveLength(51);
  });

  it('gives a file up after a bounded number of attempts, and goes on with the others', async () => {
    const [bad, good] = [await file('bad.bin', 2 * CHUNK), await file('good.bin', 2 * CHUNK)];
    fake.onPut = (_, upload) => (upload?.request.name === 'bad.bin' ? 500 : undefined);
    const { code, events, errors } = await put([bad.path, good.path, '--to', 'nas']);
    expect(code).toBe(1);
    expect(events).toContainEqual(expect.objectContaining({ event: 'staged', file: good.path }));
    expect(events.filter(({ event }) => event === 'error')).toMatchObject([{ file: bad.path, code: 'bucket.refused' }]);
    expect(errors).toMatch(/^entrepot: \S+bad\.bin: bucket\.refused: the bucket does not take chunk \d: status 500\n$/);
    expect(fake.puts.length).toBeLessThan(24);
  });

  it('does not say more than needed in an error: no address, no signature', async () => {
    const { path } = await file('a.bin', CHUNK);
    fake.faults.push(...Array<403>(10).fill(403));
    const { code, errors, out } = await put([path, '--to', 'nas']);
    expect(code).toBe(1);
    expect(errors + out).not.toMatch(/bucket\/upl_|x-signed/);
    expect(fake.puts.length).toBeLessThanOrEqual(4);
  });

  it('lets nothing arrive of a file that changes while it is sent', async () => {
    const { path } = await file('a.bin', 12 * CHUNK);
    fake.onPut = async (number) => {
      if (number === 2) await appendFile(path, 'more');
      return undefined;
    };
    const { code, errors } = await put([path, '--to', 'nas']);
    expect(code).toBe(1);
    expect(errors).toMatch(/file\.changed/);
    expect(only()?.isRemoved).toBe(true);
  });

  it('waits for the delivery with --watch, and fails with a transfer', async () => {
    const [good, bad] = [await file('good.bin', CHUNK), await file('bad.bin', CHUNK)];
    fake.onStaged = (upload) => {
      const error = { code: 'folder.disk_full', message: 'no room' };
      const isGood = upload.request.name === 'good.bin';
      setImmediate(() => finish(upload, isGood ? {} : { phase: 'failed', status: 'failed', error }));
    };
    const { code, events } = await put([good.path, bad.path, '--to', 'nas', '--to', 'oss/backup', '--watch']);
    expect(code).toBe(1);
    const last = new Map(
      events.filter(({ event }) => event === 'transfer').map((view) => [view['id'], view['status']]),
    );
    expect([...last.values()].sort()).toEqual(['failed', 'failed', 'success', 'success']);
  });

  it('sends folders with what is in them, at their place', async () => {
    await mkdir(join(folder, 'photos/2025/inner'), { recursive: true });
    await file('photos/one.jpg', 10);
    await file('photos/2025/inner/two.jpg', 10);
    expect((await put([join(folder, 'photos'), '--to', 'nas'])).code).toBe(2);
    expect((await put([join(folder, 'photos'), '--to', 'nas/all', '--recursive'])).code).toBe(0);
    const places = [...fake.uploads.values()].map(({ request }) => `${request.destinations[0]?.path}|${request.name}`);
    expect(places.sort()).toEqual(['/all/photos/2025/inner|two.jpg', '/all/photos|one.jpg']);
  });

  it('needs no byte when a destination knows the file, and answers what it asks', async () => {
    const { path, bytes } = await file('a.bin', 3 * CHUNK);
    fake.onAnnounced = (upload) => {
      upload.transfers = upload.transfers.map((view) => viewWith(view, { phase: 'opening', status: 'checking' }));
      upload.asks = [{ id: 'q', algorithm: 'sha1', start: 100, end: 200 }];
    };
    const { code, events } = await put([path, '--to', 'nas', '--digest', 'sha1', '--digest', 'crc64', '--watch']);
    expect(code).toBe(0);
    expect(fake.puts).toEqual([]);
    expect(only()?.request.digests?.sha1).toBe(createHash('sha1').update(bytes).digest('hex'));
    expect(only()?.request.digests?.crc64).toMatch(/^[0-9a-f]{16}$/);
    expect(only()?.answers.get('q')).toBe(createHash('sha1').update(bytes.subarray(100, 200)).digest('hex'));
    expect(events.find(({ event }) => event === 'staged')).toMatchObject({ sentBytes: 0 });
  });

  it('draws two bars for each file on a terminal, and leaves one line', async () => {
    const { path } = await file('测试.mp4', 3 * CHUNK);
    fake.onStaged = (upload) => finish(upload);
    const { code, out } = await put([path, '--to', 'nas', '--watch'], { stdout: 'terminal' });
    expect(code).toBe(0);
    expect(out).toMatch(/staged {5,}[█░]+ +\d+%/);
    expect(out).toMatch(/delivered {2,}[█░]+ +\d+%/);
    expect(out.split('\u001b[J').at(-1)).toContain('nas:/测试.mp4');
  });

  it.each([
    ['no destination', ['FILE'], 2, /--to/],
    ['a destination without an id', ['FILE', '--to', '/x'], 2, /usage/],
    ['a folder that is not one', ['FILE', '--to', 'nas/../x'], 2, /usage/],
    ['a file that is not there', ['/nowhere/at-all', '--to', 'nas'], 1, /file\.missing/],
    ['an unknown digest', ['FILE', '--to', 'nas', '--digest', 'rot13'], 2, /sha1/],
    ['nine destinations', ['FILE', ...Array(9).fill(['--to', 'nas']).flat()], 2, /at most 8/],
  ])('refuses %s before anything is sent', async (_, args, exit, message) => {
    const { path } = await file('a.bin', 1);
    const { code, errors } = await put(args.map((arg: string) => (arg === 'FILE' ? path : arg)));
    expect(code).toBe(exit);
    expect(errors).toMatch(message);
    expect(fake.uploads.size).toBe(0);
  });

  it('ends with 2 when nobody answers, or the token is wrong', async () => {
    const { path } = await file('a.bin', 1);
    const nobody = { ENTREPOT_URL: 'http://127.0.0.1:1', ENTREPOT_TOKEN: TOKEN };
    const absent = await put([path, '--to', 'nas'], { env: nobody });
    expect(absent.code).toBe(2);
    expect(absent.errors).toBe(
      'entrepot: server.unreachable: no answer from http://127.0.0.1:1: is the server running?\n',
    );
    const wrong = await put([path, '--to', 'nas'], { env: { ENTREPOT_URL: fake.url, ENTREPOT_TOKEN: 'wrong' } });
    expect(wrong.code).toBe(2);
    expect(wrong.errors).toMatch(/auth\.required/);
  });
});
