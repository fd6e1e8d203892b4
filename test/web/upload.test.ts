import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { UploadQueue } from '../../web/upload/queue.ts';
import type { UploadState } from '../../web/upload/upload-state.ts';
import { type FakeApi, fakeApi, testBytes } from './fake-api.ts';
import type { FakeOptions } from './fake-state.ts';
import { NAS, type TestSurroundings, testQueue, testSurroundings } from './surroundings.ts';

let fake: FakeApi;
let around: TestSurroundings;
let queue: UploadQueue;

beforeEach(() => start());
afterEach(() => fake.close());

async function start(options: FakeOptions = {}): Promise<void> {
  await fake?.close();
  fake = await fakeApi({ chunkBytes: 1000, ...options });
  around = testSurroundings(fake);
  queue = testQueue(around);
}

function fileOf(sizeBytes: number, name = 'file.bin'): File {
  return new File([testBytes(sizeBytes)], name, { lastModified: 1000, type: 'application/octet-stream' });
}

async function add(...files: readonly File[]): Promise<void> {
  await queue.add(
    files.map((file) => ({ file, folder: '', handle: null })),
    NAS,
  );
}

async function ended(): Promise<UploadState> {
  await queue.idle();
  const state = await shown();
  if (!state) throw new Error('nothing was added');
  return state;
}

/** Resolves once the first upload looks so to the viewers. */
async function until(isSo: (state: UploadState) => boolean): Promise<UploadState> {
  const { promise, resolve } = Promise.withResolvers<UploadState>();
  const look = () => {
    const [state] = queue.snapshot().uploads;
    if (state && isSo(state)) resolve(state);
  };
  const stop = queue.subscribe(look);
  look();
  return promise.finally(stop);
}

/** The first upload as the viewers see it after the next flush. */
async function shown(): Promise<UploadState | undefined> {
  await new Promise<void>((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
  return queue.snapshot().uploads[0];
}

function staged(index = 0): Buffer {
  return fake.content([...fake.uploads.keys()][index] ?? '');
}

describe('staging one file', () => {
  it('puts every byte into the bucket, chunk by chunk, and says staged when the server lists them all', async () => {
    await add(fileOf(10_500));
    const state = await ended();
    expect(state).toMatchObject({
      phase: 'staged',
      stagedBytes: 10_500,
      sentBytes: 10_500,
      chunksLeft: 0,
      error: null,
    });
    expect(staged()).toEqual(testBytes(10_500));
    expect(fake.log.at(-1)).toMatch(/^GET .*uploads.* 200$/);
    expect(around.peak()).toBeLessThanOrEqual(6);
    expect(await around.records.list(Date.now())).toEqual([]);
  });

  it('stages nothing of an empty file: the create is all', async () => {
    await add(fileOf(0));
    expect(await ended()).toMatchObject({ phase: 'staged', sizeBytes: 0 });
    expect(fake.log.filter((line) => line.startsWith('PUT'))).toEqual([]);
  });

  it('has more chunks signed than the first window held, in windows and not one by one', async () => {
    await start({ firstWindow: 3 });
    await add(fileOf(60_000));
    expect(await ended()).toMatchObject({ phase: 'staged' });
    expect(staged()).toEqual(testBytes(60_000));
    expect(fake.log.filter((line) => line.includes('/sign')).length).toBeLessThanOrEqual(9);
  });

  it('sends the dropped folder below the chosen path of each destination', async () => {
    await queue.add(
      [{ file: fileOf(10), folder: 'trip/day 1', handle: null }],
      [
        { id: 'nas', path: '/影视' },
        { id: 'archive', path: '/' },
      ],
    );
    await queue.idle();
    expect([...fake.uploads.values()][0]?.destinations).toEqual([
      { id: 'nas', path: '/影视/trip/day 1' },
      { id: 'archive', path: '/trip/day 1' },
    ]);
  });

  it('refuses a name that no destination takes before anything is asked', async () => {
    await add(fileOf(10, 'a/b'.replace('/', '\u0001')));
    expect(await ended()).toMatchObject({ phase: 'failed', error: { code: 'client.name' } });
    expect(fake.log).toEqual([]);
  });
});

describe('a turn', () => {
  it('is waited for where too many files are under way, as long as that takes', async () => {
    const act = { status: 429, code: 'uploads.too_many', retryAfter: '60' };
    fake.fault({ method: 'POST', path: '/uploads', act, times: 50 });
    await add(fileOf(500));
    expect(await ended()).toMatchObject({ phase: 'staged' });
    expect(around.waits.filter((ms) => ms >= 60_000)).toHaveLength(50);
  });
});

describe('faults of the bucket', () => {
  it.each([
    ['a storm of 503', { act: { status: 503 }, times: 4 }],
    ['429 with Retry-After', { act: { status: 429, retryAfter: '3' }, times: 2 }],
    ['a 500', { act: { status: 500 }, times: 2 }],
    ['a 409 while another put of the chunk is under way', { act: { status: 409 }, times: 1 }],
    ['a line that breaks', { act: 'drop', times: 3 }],
    ['an answer lost after the chunk was stored, told by 412 on the second try', { act: 'late', times: 2 }],
  ] as const)('%s delays a file and does not break it', async (_name, fault) => {
    fake.fault({ method: 'PUT', ...fault });
    await add(fileOf(8000));
    expect(await ended()).toMatchObject({ phase: 'staged' });
    expect(staged()).toEqual(testBytes(8000));
  });

  it('waits no less than Retry-After asks', async () => {
    fake.fault({ method: 'PUT', act: { status: 503, retryAfter: '9' } });
    await add(fileOf(500));
    await ended();
    expect(Math.max(...around.waits)).toBeGreaterThanOrEqual(9000);
  });

  it('an expired ticket is replaced without a wait and without counting as a failure', async () => {
    await start({ firstWindow: 64 });
    fake.fault({ method: 'POST', path: '/uploads', act: { status: 503 }, times: 0 });
    fake.events.once('put', () => fake.expireTickets());
    await add(fileOf(12_000));
    expect(await ended()).toMatchObject({ phase: 'staged' });
    expect(fake.log.filter((line) => line.endsWith(' 403')).length).toBeGreaterThan(0);
    expect(around.waits.filter((ms) => ms > 200)).toEqual([]);
  });

  it('a bucket that goes on refusing fails the file after eight counted tries', async () => {
    fake.fault({ method: 'PUT', act: { status: 403 }, times: 1000 });
    await add(fileOf(500));
    expect(await ended()).toMatchObject({ phase: 'failed', error: { code: 'client.bucket_refused' } });
    expect(fake.log.filter((line) => line.startsWith('PUT')).length).toBe(9);
  });

  it('an answer that trying again cannot mend fails the file at once', async () => {
    fake.fault({ method: 'PUT', act: { status: 400 }, times: 1000 });
    await add(fileOf(500));
    expect(await ended()).toMatchObject({ phase: 'failed', error: { code: 'client.bucket_refused' } });
    expect(fake.log.filter((line) => line.startsWith('PUT')).length).toBe(1);
  });

  it('a chunk that stands still for 30 s is taken back and sent again', async () => {
    fake.fault({ method: 'PUT', act: 'hang' });
    const hung = once(fake.events, 'hung');
    await add(fileOf(500));
    await hung;
    around.stallAll();
    expect(await ended()).toMatchObject({ phase: 'staged' });
    expect(staged()).toEqual(testBytes(500));
  });

  it('a chunk that the bucket loses after all is sent again', async () => {
    fake.events.once('put', () => {
      const upload = [...fake.uploads.values()][0];
      queueMicrotask(() => upload?.chunks.delete(1));
    });
    await add(fileOf(3000));
    expect(await ended()).toMatchObject({ phase: 'staged' });
    expect(staged()).toEqual(testBytes(3000));
  });
});

describe('faults of the API', () => {
  it('a create whose answer was lost does not double the file', async () => {
    fake.fault({ method: 'POST', path: '/uploads', act: 'late' });
    await add(fileOf(2500));
    expect(await ended()).toMatchObject({ phase: 'staged' });
    expect(fake.uploads.size).toBe(1);
  });

  it.each(['/sign', '/uploads'])('a 503 of POST …%s delays only', async (path) => {
    await start({ firstWindow: 1 });
    fake.fault({ method: 'POST', path, act: { status: 503 }, times: 3 });
    await add(fileOf(5000));
    expect(await ended()).toMatchObject({ phase: 'staged' });
  });

  it('what the server refuses fails with its code and its words', async () => {
    await queue.add([{ file: fileOf(10), folder: '', handle: null }], [{ id: 'nowhere', path: '/' }]);
    expect(await ended()).toMatchObject({ phase: 'failed', error: { code: 'destination.unknown' } });
  });

  it('a failed upload that is retried sends only what is missing', async () => {
    fake.fault({ method: 'PUT', path: '00004', act: { status: 400 } });
    await add(fileOf(4000));
    const failed = await ended();
    expect(failed.phase).toBe('failed');
    const already = fake.log.filter((line) => /^PUT \d 200$/.test(line));
    queue.resume(failed.key);
    expect(await ended()).toMatchObject({ phase: 'staged' });
    expect(staged()).toEqual(testBytes(4000));
    expect(fake.log.filter((line) => /^PUT \d 200$/.test(line)).length).toBe(4);
    expect(already.length).toBeLessThan(4);
  });
});

describe('the line', () => {
  it('nothing is tried while offline, and all at once when back', async () => {
    around.setOnline(false);
    await add(fileOf(3000));
    await until(({ waiting }) => waiting === 'offline');
    expect(fake.log).toEqual([]);
    around.setOnline(true);
    expect(await ended()).toMatchObject({ phase: 'staged', waiting: null });
  });

  it('a chunk lost to a line that went away is not counted as its failure', async () => {
    fake.fault({ method: 'PUT', act: 'hang' });
    const hung = once(fake.events, 'hung');
    await add(fileOf(500));
    await hung;
    around.setOnline(false);
    fake.dropHanging();
    await until(({ waiting }) => waiting === 'offline');
    around.setOnline(true);
    expect(await ended()).toMatchObject({ phase: 'staged' });
    expect(around.waits.filter((ms) => ms >= 500)).toEqual([]);
  });
});

describe('pause, cancel, settle', () => {
  it('pause stops at once, and resume asks the server what is missing', async () => {
    fake.fault({ method: 'PUT', path: '00003', act: 'hang' });
    await add(fileOf(5000));
    await once(fake.events, 'hung');
    const key = (await shown())?.key ?? '';
    queue.pause(key);
    expect(await ended()).toMatchObject({ phase: 'paused', bytesPerSecond: 0 });
    queue.resume(key);
    expect(await ended()).toMatchObject({ phase: 'staged' });
    expect(staged()).toEqual(testBytes(5000));
    expect(fake.log.filter((line) => /^PUT \d 412$/.test(line))).toEqual([]);
  });

  it('cancel drops what is staged at the server and the record here', async () => {
    fake.fault({ method: 'PUT', path: '00003', act: 'hang' });
    await add(fileOf(5000));
    await once(fake.events, 'hung');
    await queue.cancel((await shown())?.key ?? '');
    expect(await ended()).toMatchObject({ phase: 'canceled' });
    expect([...fake.uploads.values()][0]?.view.phase).toBe('removed');
    expect(await around.records.list(Date.now())).toEqual([]);
  });

  it('cancel while the create is under way leaves nothing behind', async () => {
    fake.fault({ method: 'POST', path: '/uploads', act: 'late' });
    await add(fileOf(5000));
    const key = queue.snapshot().uploads[0]?.key ?? '';
    while (fake.uploads.size === 0) await new Promise((resolve) => setImmediate(resolve));
    await queue.cancel(key);
    expect([...fake.uploads.values()].map(({ view }) => view.phase)).toEqual(['removed']);
  });

  it('an upload canceled elsewhere sends no more', async () => {
    fake.fault({ method: 'PUT', path: '00002', act: 'hang' });
    await add(fileOf(5000));
    await once(fake.events, 'hung');
    await shown();
    const [transfer] = fake.transfers.values();
    if (!transfer) throw new Error('no transfer');
    queue.heed([fake.change(transfer.id, { phase: 'canceled', status: 'cancelled' })]);
    expect(await ended()).toMatchObject({ phase: 'canceled' });
  });
});

describe('a file that changes while it is sent', () => {
  it('fails before its last chunk, so that no mixed file is ever complete', async () => {
    const file = fileOf(5000);
    let reads = 0;
    const slice = file.slice.bind(file);
    file.slice = (start, end, type) => {
      // The fingerprint reads the whole of a small file: its second reading finds other bytes.
      if (start === 0 && end === 5000) reads += 1;
      return reads > 1 ? new Blob([testBytes(5000, 'other')]).slice(start, end, type) : slice(start, end, type);
    };
    await add(file);
    expect(await ended()).toMatchObject({ phase: 'failed', error: { code: 'client.file_changed' } });
    const upload = [...fake.uploads.values()][0];
    expect(upload?.view.phase).toBe('removed');
  });

  it('fails when the browser can no longer read it, and leaves no upload behind', async () => {
    const file = fileOf(500);
    file.slice = () => {
      const gone = new Blob();
      gone.arrayBuffer = () => Promise.reject(new DOMException('changed', 'NotReadableError'));
      return gone;
    };
    await add(file);
    expect(await ended()).toMatchObject({ phase: 'failed', error: { code: 'client.file_changed' } });
    expect([...fake.uploads.values()].map(({ view }) => view.phase)).toEqual(['removed']);
  });
});

describe('many files', () => {
  it('hundreds of small files all arrive, with no more than six chunks at once and one flush for many changes', async () => {
    let flushes = 0;
    queue.subscribe(() => {
      flushes += 1;
    });
    await add(...Array.from({ length: 200 }, (_, index) => fileOf(100 + index, `file ${index}.bin`)));
    await queue.idle();
    expect([...fake.uploads.values()].map(({ view }) => fake.content(view.id).length).reduce((a, b) => a + b)).toBe(
      39_900,
    );
    expect(around.peak()).toBeLessThanOrEqual(6);
    await shown();
    expect(queue.snapshot().uploads.every(({ phase }) => phase === 'staged')).toBe(true);
    expect(flushes).toBeGreaterThan(0);
  });
});

describe('instant uploads', () => {
  it('a destination that knows the digest takes no byte: its questions are answered from the file', async () => {
    const bytes = testBytes(5000);
    const { createHash } = await import('node:crypto');
    const sha1 = createHash('sha1').update(bytes).digest('hex');
    await start({ knownSha1: sha1 });
    queue = testQueue(around, { claims: () => ['sha1'] });
    const answered = once(fake.events, 'answers');
    await add(fileOf(5000));
    const [answers] = await answered;
    const range = createHash('sha1').update(bytes.subarray(10, 50)).digest('hex');
    expect(answers).toEqual([{ id: 'ask1', digest: range }]);
    expect(await ended()).toMatchObject({ phase: 'staged' });
    expect(fake.log.filter((line) => line.startsWith('PUT'))).toEqual([]);
  });

  it('a digest that nobody knows costs nothing but the hashing', async () => {
    queue = testQueue(around, { claims: () => ['sha1', 'md5'] });
    await add(fileOf(2500));
    expect(await ended()).toMatchObject({ phase: 'staged' });
    expect(staged()).toEqual(testBytes(2500));
  });
});
