/** The laws of the two staging ports: what the browser's side may put, and what the engine's side is given to read. */
import { ulid } from 'ulid';
import { expect } from 'vitest';
import type {
  ByteRange,
  ChunkPut,
  PresignedPut,
  StagedObject,
  StagingIntake,
  StagingSource,
} from '#core/ports/staging.ts';
import { UploadId } from '#core/wire/ids.ts';
import { chunkKey, chunkPrefix } from '#core/wire/keys.ts';
import { randomBytes } from './random-bytes.ts';
import { type ContractRun, contract, type Laws } from './suite.ts';

export interface StagingSubject {
  readonly intake: StagingIntake;
  readonly source: StagingSource;
  /** A presigned PUT whose time is over. */
  expired(put: ChunkPut): Promise<PresignedPut>;
  /** PUTs without credentials, as a browser does. Answers the status. */
  send(url: string, headers: Readonly<Record<string, string>>, bytes: Uint8Array): Promise<number>;
  /** Puts over what is there, as an S3 client with credentials does. */
  overwrite(key: string, bytes: Uint8Array): Promise<void>;
  /** Bytes that the store has sent in answer to reads so far. */
  sentBytes(): number;
  /** The most that may be under way to a reader who does not read. */
  readonly windowBytes: number;
}

export function stagingContract(run: ContractRun<StagingSubject>): void {
  contract('staging', { ...intakeLaws, ...listLaws, ...readLaws, ...removeLaws }, run);
}

const MIB = 1024 * 1024;

const intakeLaws: Laws<StagingSubject> = {
  'a presigned URL takes a plain PUT of the bytes it was made for': async (subject) => {
    const { put, key } = chunk(1, 1000);
    const bytes = randomBytes(1000);
    const presigned = await subject.intake.presignChunk(put);
    expect(await send(subject, presigned, bytes)).toBe(200);
    expect(await contentOf(subject, key)).toEqual(bytes);
  },
  'the same URL, used again, is told 412 and the first content stays': async (subject) => {
    const { put, key } = chunk(1, 10);
    const presigned = await subject.intake.presignChunk(put);
    const first = randomBytes(10);
    await send(subject, presigned, first);
    expect(await send(subject, presigned, randomBytes(10))).toBe(412);
    expect(await contentOf(subject, key)).toEqual(first);
  },
  'another URL for a chunk that is there is told 412 and the first content stays': async (subject) => {
    const { put, key } = chunk(1, 10);
    const first = randomBytes(10);
    await send(subject, await subject.intake.presignChunk(put), first);
    expect(await send(subject, await subject.intake.presignChunk({ ...put, sizeBytes: 11 }), randomBytes(11))).toBe(
      412,
    );
    expect(await contentOf(subject, key)).toEqual(first);
  },
  'of many PUTs of a chunk at once exactly one is taken': async (subject) => {
    const { put, key } = chunk(1, 10);
    const bodies = Array.from({ length: 8 }, () => randomBytes(10));
    const presigned = await subject.intake.presignChunk(put);
    const statuses = await Promise.all(bodies.map((bytes) => send(subject, presigned, bytes)));
    // A store may answer 409 to one that met another on its way; that one left nothing either.
    expect(statuses.filter((status) => status !== 412 && status !== 409)).toEqual([200]);
    expect(await contentOf(subject, key)).toEqual(bodies[statuses.indexOf(200)]);
  },
  'another length than the signed one is refused and leaves nothing': async (subject) => {
    const { put, key } = chunk(1, 10);
    const presigned = await subject.intake.presignChunk(put);
    for (const sizeBytes of [0, 9, 11, 5000]) {
      expect(await send(subject, presigned, randomBytes(sizeBytes))).toBeOneOf([400, 403]);
    }
    expect(await subject.source.stat(key)).toBeNull();
  },
  'another key than the signed one is refused and leaves nothing': async (subject) => {
    const { put } = chunk(1, 10);
    const presigned = await subject.intake.presignChunk(put);
    const url = presigned.url.replace('/00001?', '/00002?');
    expect(url).not.toBe(presigned.url);
    expect(await subject.send(url, presigned.headers, randomBytes(10))).toBe(403);
    expect(await subject.source.list({ prefix: chunkPrefix(put.uploadId), limit: 10 })).toEqual([]);
  },
  'a tampered signature is refused': async (subject) => {
    const { put, key } = chunk(1, 10);
    const presigned = await subject.intake.presignChunk(put);
    const url = presigned.url.replace(/(signature=)(.)/i, (_, name, digit) => `${name}${digit === '0' ? '1' : '0'}`);
    expect(url).not.toBe(presigned.url);
    expect(await subject.send(url, presigned.headers, randomBytes(10))).toBe(403);
    expect(await subject.source.stat(key)).toBeNull();
  },
  'a URL with its life prolonged is refused': async (subject) => {
    const { put, key } = chunk(1, 10);
    const presigned = await subject.intake.presignChunk(put);
    const url = presigned.url.replace(/(expires=)(\d+)/i, (_, name, value) => `${name}${Number(value) + 60}`);
    expect(url).not.toBe(presigned.url);
    expect(await subject.send(url, presigned.headers, randomBytes(10))).toBe(403);
    expect(await subject.source.stat(key)).toBeNull();
  },
  'a PUT without the write-once header, or with another one, is refused': async (subject) => {
    const { put, key } = chunk(1, 10);
    const { url } = await subject.intake.presignChunk(put);
    expect(await subject.send(url, {}, randomBytes(10))).toBe(403);
    expect(await subject.send(url, { 'if-none-match': '"other"' }, randomBytes(10))).toBe(403);
    expect(await subject.source.stat(key)).toBeNull();
  },
  'a URL whose time is over is refused': async (subject) => {
    const { put, key } = chunk(1, 10);
    expect(await send(subject, await subject.expired(put), randomBytes(10))).toBe(403);
    expect(await subject.source.stat(key)).toBeNull();
  },
};

const listLaws: Laws<StagingSubject> = {
  'list gives exactly the chunks put, in order, with sizes and versions': async (subject) => {
    const { put } = chunk(1, 1);
    const { put: other } = chunk(1, 1);
    for (const number of [10_000, 2, 1, 11]) await stage(subject, put.uploadId, number, randomBytes(number % 100));
    await stage(subject, other.uploadId, 3, randomBytes(5));
    const objects = await subject.source.list({ prefix: chunkPrefix(put.uploadId), limit: 1000 });
    expect(objects.map(({ key, sizeBytes }) => [key, sizeBytes])).toEqual([
      [chunkKey(put.uploadId, 1), 1],
      [chunkKey(put.uploadId, 2), 2],
      [chunkKey(put.uploadId, 11), 11],
      [chunkKey(put.uploadId, 10_000), 0],
    ]);
    expect(new Set(objects.map(({ version }) => version)).size).toBe(4);
    for (const object of objects) expect(object.version).not.toContain('"');
  },
  'list pages by after and limit without a gap or a repeat': async (subject) => {
    const { put } = chunk(1, 1);
    const prefix = chunkPrefix(put.uploadId);
    for (const number of [1, 2, 3, 4, 5]) await stage(subject, put.uploadId, number, randomBytes(4));
    const keys: string[] = [];
    for (let after: string | undefined; ; after = keys.at(-1)) {
      const page = await subject.source.list({ prefix, limit: 2, ...(after === undefined ? {} : { after }) });
      expect(page.length).toBeLessThanOrEqual(2);
      if (page.length === 0) break;
      keys.push(...page.map(({ key }) => key));
    }
    expect(keys).toEqual([1, 2, 3, 4, 5].map((number) => chunkKey(put.uploadId, number)));
  },
  'list starts strictly after a key that need not be there': async (subject) => {
    const { put } = chunk(1, 1);
    const prefix = chunkPrefix(put.uploadId);
    await stage(subject, put.uploadId, 2, randomBytes(4));
    const after = (number: number) => subject.source.list({ prefix, after: chunkKey(put.uploadId, number), limit: 9 });
    expect(await after(1)).toHaveLength(1);
    expect(await after(2)).toEqual([]);
    expect(await subject.source.list({ prefix, after: 'a', limit: 9 })).toHaveLength(1);
    expect(await subject.source.list({ prefix, after: '~', limit: 9 })).toEqual([]);
    expect(await subject.source.list({ prefix, limit: 0 })).toEqual([]);
  },
  'list answers more than a thousand objects when the limit allows': async (subject) => {
    const { put } = chunk(1, 1);
    const prefix = chunkPrefix(put.uploadId);
    const wanted = Array.from({ length: 1003 }, (_, index) => chunkKey(put.uploadId, index + 1));
    for (let at = 0; at < wanted.length; at += 50) {
      await Promise.all(wanted.slice(at, at + 50).map((key) => subject.overwrite(key, new Uint8Array(1))));
    }
    expect((await subject.source.list({ prefix, limit: 10_000 })).map(({ key }) => key)).toEqual(wanted);
    expect((await subject.source.list({ prefix, limit: 1002 })).map(({ key }) => key)).toEqual(wanted.slice(0, 1002));
  },
  'odd keys come back as they were put, in byte order of UTF-8': async (subject) => {
    const prefix = `inbox/${ulid()}/`;
    const names = [...ODD_NAMES].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (const name of ODD_NAMES) await subject.overwrite(prefix + name, Buffer.from(name));
    const objects = await subject.source.list({ prefix, limit: 100 });
    expect(objects.map(({ key }) => key)).toEqual(names.map((name) => prefix + name));
    for (const [at, object] of objects.entries()) {
      expect(await contentOf(subject, object.key)).toEqual(Buffer.from(names[at] ?? ''));
      expect(await subject.source.remove(object.key)).toBe(true);
    }
    expect(await subject.source.list({ prefix, limit: 100 })).toEqual([]);
  },
  'a prefix is taken to the letter': async (subject) => {
    const prefix = `inbox/${ulid()}/`;
    for (const name of ['50% off/a', '50%25 off/b', '50', 'a+b/c', 'a b/d']) {
      await subject.overwrite(prefix + name, new Uint8Array(1));
    }
    const below = async (name: string) =>
      (await subject.source.list({ prefix: prefix + name, limit: 9 })).map(({ key }) => key.slice(prefix.length));
    expect(await below('50% off/')).toEqual(['50% off/a']);
    expect(await below('a+b/')).toEqual(['a+b/c']);
    expect(await below('a b/')).toEqual(['a b/d']);
  },
  'stat tells what list tells, and null when nothing is there': async (subject) => {
    const { put, key } = chunk(1, 1);
    expect(await subject.source.stat(key)).toBeNull();
    await stage(subject, put.uploadId, 1, randomBytes(77));
    const [listed] = await subject.source.list({ prefix: key, limit: 1 });
    const stated = await subject.source.stat(key);
    expect(stated).toMatchObject({ key, sizeBytes: 77, version: listed?.version });
    // HTTP dates have no milliseconds.
    expect(Math.abs((stated?.modifiedAtMs ?? 0) - (listed?.modifiedAtMs ?? 0))).toBeLessThan(1000);
  },
};

const readLaws: Laws<StagingSubject> = {
  'a read streams exactly the bytes of its range': async (subject) => {
    const bytes = randomBytes(200_001);
    const object = await stageWhole(subject, bytes);
    for (const [start, end] of RANGES) {
      expect(await bytesOf(await read(subject, object, { start, end }))).toEqual(bytes.subarray(start, end));
    }
  },
  'an empty range is an empty stream': async (subject) => {
    const object = await stageWhole(subject, randomBytes(10));
    const nothing = await stageWhole(subject, new Uint8Array());
    for (const at of [0, 5, 10])
      expect(await bytesOf(await read(subject, object, { start: at, end: at }))).toHaveLength(0);
    expect(await bytesOf(await read(subject, nothing, { start: 0, end: 0 }))).toHaveLength(0);
  },
  'a range outside the object is rejected, never cut short': async (subject) => {
    const object = await stageWhole(subject, randomBytes(10));
    for (const [start, end] of [
      [0, 11],
      [9, 11],
      [10, 11],
      [100, 200],
      [5, 4],
      [-1, 4],
      [0, 0.5],
    ] as const) {
      await expect(read(subject, object, { start, end })).rejects.toMatchObject({
        kind: 'rejected',
        code: 'staging.range',
      });
    }
    const nothing = await stageWhole(subject, new Uint8Array());
    await expect(read(subject, nothing, { start: 0, end: 1 })).rejects.toMatchObject({ code: 'staging.range' });
  },
  'a read of content that was replaced, removed or never there is gone': async (subject) => {
    const object = await stageWhole(subject, randomBytes(10));
    const gone = { kind: 'gone', code: 'staging.changed' };
    const range = { start: 0, end: 10 };
    await subject.overwrite(object.key, randomBytes(10));
    await expect(read(subject, object, range)).rejects.toMatchObject(gone);
    await expect(read(subject, object, { start: 0, end: 11 })).rejects.toMatchObject(gone);
    await subject.source.remove(object.key);
    await expect(read(subject, object, range)).rejects.toMatchObject(gone);
    await expect(read(subject, { ...object, key: `inbox/${ulid()}` }, range)).rejects.toMatchObject(gone);
  },
  'a signal that has aborted before refuses the read with its reason': async (subject) => {
    const object = await stageWhole(subject, randomBytes(10));
    const reason = new Error('the lease is over');
    const signal = AbortSignal.abort(reason);
    for (const end of [0, 10]) {
      await expect(subject.source.read(object, { start: 0, end }, signal)).rejects.toBe(reason);
    }
  },
  'an abort while the store has not answered yet ends the read with its reason': async (subject) => {
    const object = await stageWhole(subject, randomBytes(10));
    const abort = new AbortController();
    const reason = new Error('the lease is over');
    const reading = subject.source.read(object, { start: 0, end: 10 }, abort.signal).then((stream) => bytesOf(stream));
    abort.abort(reason);
    await expect(reading).rejects.toBe(reason);
  },
  'an abort in the middle of the body ends the stream with its reason': async (subject) => {
    const object = await stageWhole(subject, new Uint8Array(8 * MIB));
    for (const wait of ['before the next read', 'during it'] as const) {
      const abort = new AbortController();
      const reason = new Error('the lease is over');
      const reader = (await subject.source.read(object, { start: 0, end: 8 * MIB }, abort.signal)).getReader();
      expect((await reader.read()).done).toBe(false);
      const pending = wait === 'during it' ? drain(reader) : null;
      abort.abort(reason);
      await expect(pending ?? drain(reader)).rejects.toBe(reason);
    }
  },
  'a reader that cancels ends the read without an error': async (subject) => {
    const object = await stageWhole(subject, new Uint8Array(MIB));
    const stream = await read(subject, object, { start: 0, end: MIB });
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel();
    expect(await reader.read()).toEqual({ done: true, value: undefined });
    expect(await bytesOf(await read(subject, object, { start: 0, end: 100 }))).toHaveLength(100);
  },
  'a reader that stops reading is sent no more than a window': async (subject) => {
    const sizeBytes = 4 * subject.windowBytes;
    const object = await stageWhole(subject, new Uint8Array(sizeBytes));
    const before = subject.sentBytes();
    const idle = (await read(subject, object, { start: 0, end: sizeBytes })).getReader();
    await idle.read();
    // A whole other read is time enough for the idle one to run ahead, if it would.
    expect(await lengthOf(await read(subject, object, { start: 0, end: sizeBytes }))).toBe(sizeBytes);
    expect(subject.sentBytes() - before - sizeBytes).toBeLessThan(subject.windowBytes);
    await idle.cancel();
  },
};

const removeLaws: Laws<StagingSubject> = {
  'remove is fine with what is not there': async (subject) => {
    const object = await stageWhole(subject, randomBytes(10));
    expect(await subject.source.remove(object.key)).toBe(true);
    expect(await subject.source.stat(object.key)).toBeNull();
    expect(await subject.source.remove(object.key)).toBe(true);
    expect(await subject.source.remove(object.key, object.version)).toBe(true);
  },
  'remove with a version removes that content': async (subject) => {
    const object = await stageWhole(subject, randomBytes(10));
    expect(await subject.source.remove(object.key, object.version)).toBe(true);
    expect(await subject.source.stat(object.key)).toBeNull();
  },
  'remove with a version leaves newer content and says so': async (subject) => {
    const object = await stageWhole(subject, randomBytes(10));
    const newer = randomBytes(10);
    await subject.overwrite(object.key, newer);
    expect(await subject.source.remove(object.key, object.version)).toBe(false);
    expect(await contentOf(subject, object.key)).toEqual(newer);
  },
};

const RANGES = [
  [0, 1],
  [1, 2],
  [200_000, 200_001],
  [0, 200_001],
  [65_535, 65_537],
  [1000, 150_000],
] as const;

/** In UTF-16 order the emoji would stand before the fullwidth tilde. */
const ODD_NAMES = [
  'a b.bin',
  'a+b.bin',
  'a%20b.bin',
  '100%.bin',
  '中文/影视.mp4',
  '🎬.mkv',
  '～.bin',
  '"quoted" & \'single\' <tag>.txt',
  'e\u0301.txt',
  'question?mark#hash.txt',
  'semi;colon,comma=equals:at@.txt',
  '(paren) [bracket] {brace} *star* !bang ~tilde.txt',
  'back\\slash|pipe^caret`tick.txt',
  'dots/../in/./between.txt',
  'two//slashes.txt',
  ' leading and trailing ',
];

function chunk(number: number, sizeBytes: number): { readonly put: ChunkPut; readonly key: string } {
  const uploadId = UploadId.parse(`upl_${ulid()}`);
  return { put: { uploadId, number, sizeBytes, ttlSeconds: 900 }, key: chunkKey(uploadId, number) };
}

function send(subject: StagingSubject, presigned: PresignedPut, bytes: Uint8Array): Promise<number> {
  return subject.send(presigned.url, presigned.headers, bytes);
}

async function stage(subject: StagingSubject, uploadId: UploadId, number: number, bytes: Uint8Array): Promise<void> {
  const put = { uploadId, number, sizeBytes: bytes.byteLength, ttlSeconds: 900 };
  expect(await send(subject, await subject.intake.presignChunk(put), bytes)).toBe(200);
}

async function stageWhole(subject: StagingSubject, bytes: Uint8Array): Promise<StagedObject> {
  const key = `inbox/nas/${ulid()}`;
  await subject.overwrite(key, bytes);
  const object = await subject.source.stat(key);
  if (object === null) throw new Error('what was just put is not there');
  return object;
}

function read(
  subject: StagingSubject,
  object: { readonly key: string; readonly version: string },
  range: ByteRange,
): Promise<ReadableStream<Uint8Array>> {
  return subject.source.read(object, range, new AbortController().signal);
}

async function contentOf(subject: StagingSubject, key: string): Promise<Buffer> {
  const object = await subject.source.stat(key);
  if (object === null) throw new Error('nothing is there');
  return bytesOf(await read(subject, object, { start: 0, end: object.sizeBytes }));
}

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream));
}

function lengthOf(stream: ReadableStream<Uint8Array>): Promise<number> {
  return drain(stream.getReader());
}

async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<number> {
  let sizeBytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return sizeBytes;
    sizeBytes += value.byteLength;
  }
}
