import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { difference, fingerprint } from '../../web/upload/fingerprint.ts';
import { memoryRecords, type RecordStore, type UploadRecord } from '../../web/upload/record.ts';
import { abandon, fileOfHandle, pairFiles, takeOver, unfinished } from '../../web/upload/restore.ts';
import { type FakeApi, fakeApi, testBytes } from './fake-api.ts';
import { NAS, testQueue, testSurroundings } from './surroundings.ts';

let fake: FakeApi;
let records: RecordStore;

beforeEach(async () => {
  fake = await fakeApi({ chunkBytes: 1000 });
  records = memoryRecords();
});
afterEach(() => fake.close());

const nobody = async () => new Set<string>();

function fileOf(bytes: Buffer<ArrayBuffer>, lastModified = 1000): File {
  return new File([bytes], 'movie.mkv', { lastModified });
}

/** A visit that dies while chunk 3 of 5 is on its way. Answers what the next visit finds. */
async function brokenVisit(): Promise<UploadRecord> {
  const around = testSurroundings(fake, records);
  const queue = testQueue(around);
  fake.fault({ method: 'PUT', path: '00003', act: 'hang' });
  const others = new Set([1, 2, 4, 5]);
  const rest = new Promise<void>((resolve) => {
    fake.events.on('put', (number: number) => {
      others.delete(number);
      if (others.size === 0) resolve();
    });
  });
  await queue.add([{ file: fileOf(testBytes(5000)), folder: 'films', handle: null }], NAS);
  await rest;
  const [record] = await records.list(Date.now());
  if (!record) throw new Error('no record was kept');
  return record;
}

describe('after a reload', () => {
  it('an unfinished upload is found, and only its missing chunk is sent', async () => {
    await brokenVisit();
    const around = testSurroundings(fake, records);
    const [found] = await unfinished(around, nobody);
    expect(found).toMatchObject({ way: 'file', record: { name: 'movie.mkv', folder: 'films' } });
    if (!found) return;
    const queue = testQueue(around);
    const file = fileOf(testBytes(5000));
    const before = fake.log.filter((line) => line.startsWith('PUT')).length;
    queue.carryOn(await takeOver(around, found.record, file), file);
    await queue.idle();
    const [uploadId = ''] = fake.uploads.keys();
    expect(fake.content(uploadId)).toEqual(testBytes(5000));
    expect(fake.log.filter((line) => line.startsWith('PUT')).slice(before)).toEqual(['PUT 3 200']);
    expect(await records.list(Date.now())).toEqual([]);
  });

  it('another file is refused before a byte is sent', async () => {
    const record = await brokenVisit();
    const around = testSurroundings(fake, records);
    const before = fake.log.length;
    for (const other of [fileOf(testBytes(5000, 'other')), fileOf(testBytes(4999)), fileOf(testBytes(5000), 2000)]) {
      await expect(takeOver(around, record, other)).rejects.toMatchObject({ code: 'client.file_differs' });
    }
    expect(fake.log.length).toBe(before);
  });

  it('an upload that another tab works on is not offered, and one of two tabs gets it', async () => {
    const record = await brokenVisit();
    const one = testSurroundings(fake, records);
    const two = testSurroundings(fake, records);
    expect(await unfinished(one, async () => new Set([record.visit]))).toEqual([]);
    const file = fileOf(testBytes(5000));
    const ends = await Promise.allSettled([takeOver(one, record, file), takeOver(two, record, file)]);
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('a file that was still waiting in line may have changed since', async () => {
    const around = testSurroundings(fake, records);
    around.setOnline(false);
    const first = testQueue(around);
    await first.add([{ file: fileOf(testBytes(100)), folder: '', handle: null }], NAS);
    const next = testSurroundings(fake, records);
    const [found] = await unfinished(next, nobody);
    if (!found) throw new Error('no record was kept');
    const file = fileOf(testBytes(200), 3000);
    const record = await takeOver(next, found.record, file);
    const queue = testQueue(next);
    queue.carryOn(record, file);
    await queue.idle();
    const [uploadId = ''] = fake.uploads.keys();
    expect(fake.content(uploadId)).toEqual(testBytes(200));
  });

  it('an upload that the server forgot fails with a clear code', async () => {
    const record = await brokenVisit();
    const around = testSurroundings(fake, records);
    fake.fault({ method: 'GET', path: '/uploads/', act: { status: 404 } });
    const file = fileOf(testBytes(5000));
    const queue = testQueue(around);
    queue.carryOn(await takeOver(around, record, file), file);
    await queue.idle();
    await new Promise((resolve) => setImmediate(resolve));
    expect(queue.snapshot().uploads[0]).toMatchObject({ phase: 'failed', error: { code: 'client.gone' } });
  });

  it('abandoning forgets the record and has the server drop the bytes', async () => {
    const record = await brokenVisit();
    await abandon(testSurroundings(fake, records), record);
    expect(await records.list(Date.now())).toEqual([]);
    expect([...fake.uploads.values()].map(({ view }) => view.phase)).toEqual(['removed']);
  });

  it('files picked again find their records by name, size, folder and date', async () => {
    const base = await brokenVisit();
    const inA = { ...base, key: 'a', folder: 'a' };
    const inB = { ...base, key: 'b', folder: 'b' };
    const file = fileOf(testBytes(5000));
    const { pairs, strangers } = pairFiles(
      [inA, inB],
      [
        { file, folder: 'b' },
        { file, folder: '' },
        { file: new File([], 'other'), folder: '' },
      ],
    );
    expect(pairs.map(({ record }) => record.key)).toEqual(['b', 'a']);
    expect(strangers.map(({ name }) => name)).toEqual(['other']);
  });
});

describe('a file handle', () => {
  /** As Chromium's, with an answer to the question for permission. */
  function handleOf(answer: PermissionState): FileSystemFileHandle {
    const handle = {
      kind: 'file',
      name: 'movie.mkv',
      getFile: async () => fileOf(testBytes(10)),
      queryPermission: async () => 'prompt',
      requestPermission: async () => answer,
    };
    // The members that the client uses are there; the rest of the interface is of no use here.
    return handle as unknown as FileSystemFileHandle;
  }

  it('brings the file after one question', async () => {
    expect((await fileOfHandle(handleOf('granted'))).size).toBe(10);
    await expect(fileOfHandle(handleOf('denied'))).rejects.toMatchObject({ code: 'client.permission' });
  });

  it('is offered as one click', async () => {
    const record = await brokenVisit();
    await records.put([{ ...record, handle: handleOf('granted') }]);
    expect(await unfinished(testSurroundings(fake, records), nobody)).toMatchObject([{ way: 'ask' }]);
  });
});

describe('fingerprint', () => {
  it('tells files apart by size, by date and by what is at head, middle and tail', async () => {
    const bytes = testBytes(1_000_000);
    const of = (change: number | null, lastModified = 1000) => {
      const copy = Buffer.from(new Uint8Array(bytes));
      if (change !== null) copy[change] = (copy[change] ?? 0) ^ 1;
      return fingerprint(new File([copy], 'f', { lastModified }));
    };
    const first = await of(null);
    expect(difference(first, await of(null))).toBeNull();
    for (const at of [0, 65_535, 500_000, 999_999]) expect(difference(first, await of(at))).toBe('content');
    expect(difference(first, await of(100_000, 2000))).toBe('modified');
    expect(difference(first, await fingerprint(new File([bytes.subarray(1)], 'f', { lastModified: 1000 })))).toBe(
      'size',
    );
  });

  it('reads 192 KiB of a large file, no more', async () => {
    const file = new File([testBytes(3_000_000)], 'f');
    let readBytes = 0;
    const slice = file.slice.bind(file);
    file.slice = (start = 0, end = 0, type) => {
      readBytes += end - start;
      return slice(start, end, type);
    };
    await fingerprint(file);
    expect(readBytes).toBe(3 * 65_536);
  });
});

it('a record that no upload can still belong to is left out', async () => {
  const record = await brokenVisit();
  expect(await records.list(record.addedAtMs + 22 * 24 * 3_600_000)).toEqual([]);
});
