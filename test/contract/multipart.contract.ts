/** The laws of the port through which clients that are not ours put their files: parts held together, and forms. */
import { expect } from 'vitest';
import type { MultipartIntake, PresignedForm, StoreUpload } from '#core/ports/multipart.ts';
import type { StagingSource } from '#core/ports/staging.ts';
import { expectFault } from './expect-fault.ts';
import { randomBytes } from './random-bytes.ts';
import { type ContractRun, contract, type Laws } from './suite.ts';

export interface MultipartSubject {
  readonly multipart: MultipartIntake;
  /** The same, made by a clock that is so far behind. */
  behind(ms: number): MultipartIntake;
  readonly source: Pick<StagingSource, 'stat' | 'read'>;
  /** A plain PUT, as a browser does; the tag it was answered, null when it was refused. */
  putPart(url: string, bytes: Uint8Array): Promise<string | null>;
  postForm(form: Pick<PresignedForm, 'url' | 'fields'>, bytes: Uint8Array): Promise<boolean>;
}

export function multipartContract(run: ContractRun<MultipartSubject>): void {
  contract('multipart', { ...partLaws, ...endLaws, ...formLaws }, run);
}

const PART = 5 * 1024 * 1024;
const TTL_SECONDS = 60;

const newKey = () => `inbox/folder/测 试+${randomBytes(6).toString('hex')} (1).bin`;

async function begun({ multipart }: MultipartSubject): Promise<StoreUpload> {
  const key = newKey();
  const { storeId } = await multipart.create({ key, contentType: 'video/mp4' });
  return { key, storeId };
}

async function put(subject: MultipartSubject, upload: StoreUpload, number: number, bytes: Uint8Array) {
  const { url } = await subject.multipart.presignPart({ ...upload, number, ttlSeconds: TTL_SECONDS });
  return subject.putPart(url, bytes);
}

const partsOf = ({ multipart }: MultipartSubject, upload: StoreUpload) =>
  multipart.listParts(upload, { after: 0, limit: 1_000 });

async function contentOf({ source }: MultipartSubject, key: string): Promise<Buffer | null> {
  const object = await source.stat(key);
  if (object === null) return null;
  const pieces: Uint8Array[] = [];
  const stream = await source.read(object, { start: 0, end: object.sizeBytes }, new AbortController().signal);
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

const partLaws: Laws<MultipartSubject> = {
  'a part is what was last put under its number, listed with its size and the tag of its PUT': async (subject) => {
    const upload = await begun(subject);
    await put(subject, upload, 2, randomBytes(9));
    const tag = await put(subject, upload, 2, randomBytes(10));
    const first = await put(subject, upload, 1, randomBytes(11));
    expect(await partsOf(subject, upload)).toEqual([
      { number: 1, tag: first, sizeBytes: 11 },
      { number: 2, tag, sizeBytes: 10 },
    ]);
  },
  'one URL takes its part more than once': async (subject) => {
    const upload = await begun(subject);
    const { url } = await subject.multipart.presignPart({ ...upload, number: 1, ttlSeconds: TTL_SECONDS });
    await subject.putPart(url, randomBytes(5));
    expect(await subject.putPart(url, randomBytes(6))).not.toBeNull();
    expect(await partsOf(subject, upload)).toMatchObject([{ number: 1, sizeBytes: 6 }]);
  },
  'equal bytes have equal tags, where the store says so': async (subject) => {
    const key = newKey();
    const { storeId, sameTag } = await subject.multipart.create({ key, contentType: 'a/b' });
    const bytes = randomBytes(7);
    const tags = [await put(subject, { key, storeId }, 1, bytes), await put(subject, { key, storeId }, 2, bytes)];
    if (sameTag) expect(tags[0]).toBe(tags[1]);
  },
  'a URL for another number, made by hand, is refused': async (subject) => {
    const upload = await begun(subject);
    const { url } = await subject.multipart.presignPart({ ...upload, number: 1, ttlSeconds: TTL_SECONDS });
    const other = url.includes('partNumber=1') ? url.replace('partNumber=1', 'partNumber=2') : `${url}0`;
    expect(await subject.putPart(other, randomBytes(5))).toBeNull();
    expect(await partsOf(subject, upload)).toEqual([]);
  },
  'a URL whose time is over is refused': async (subject) => {
    const upload = await begun(subject);
    const late = subject.behind(TTL_SECONDS * 1000 + 2_000);
    const { url } = await late.presignPart({ ...upload, number: 1, ttlSeconds: TTL_SECONDS });
    expect(await subject.putPart(url, randomBytes(5))).toBeNull();
  },
  'a listing goes on where the one before ended': async (subject) => {
    const upload = await begun(subject);
    for (const number of [1, 2, 3, 7, 8]) await put(subject, upload, number, randomBytes(1));
    const numbers: number[] = [];
    for (;;) {
      const page = await subject.multipart.listParts(upload, { after: numbers.at(-1) ?? 0, limit: 2 });
      if (page === null || page.length === 0) break;
      expect(page.length).toBeLessThanOrEqual(2);
      numbers.push(...page.map(({ number }) => number));
    }
    expect(numbers).toEqual([1, 2, 3, 7, 8]);
  },
};

const endLaws: Laws<MultipartSubject> = {
  'completed, the parts are one object; said again, there is no such upload, and the object stays': async (subject) => {
    const upload = await begun(subject);
    const bytes = [randomBytes(PART), randomBytes(3)];
    for (const [index, part] of bytes.entries()) await put(subject, upload, index + 1, part);
    const parts = (await partsOf(subject, upload)) ?? [];
    expect(await subject.source.stat(upload.key)).toBeNull();
    expect(await subject.multipart.complete(upload, parts)).toBe('done');
    expect((await contentOf(subject, upload.key))?.equals(Buffer.concat(bytes))).toBe(true);
    // A store that remembers what it completed may say so again.
    expect(await subject.multipart.complete(upload, parts)).toBeOneOf(['gone', 'done']);
    expect(await partsOf(subject, upload)).toBeNull();
    expect((await contentOf(subject, upload.key))?.equals(Buffer.concat(bytes))).toBe(true);
  },
  'a part that has changed since it was listed is refused, and nothing is made': async (subject) => {
    const upload = await begun(subject);
    await put(subject, upload, 1, randomBytes(4));
    const parts = (await partsOf(subject, upload)) ?? [];
    await put(subject, upload, 1, randomBytes(4));
    await expectFault('rejected', 'multipart.part_changed', subject.multipart.complete(upload, parts));
    expect(await subject.source.stat(upload.key)).toBeNull();
    expect(await partsOf(subject, upload)).toHaveLength(1);
  },
  'a part below the minimum that is not the last is refused': async (subject) => {
    const upload = await begun(subject);
    for (const number of [1, 2]) await put(subject, upload, number, randomBytes(100));
    const parts = (await partsOf(subject, upload)) ?? [];
    await expectFault('rejected', 'multipart.part_too_small', subject.multipart.complete(upload, parts));
  },
  'given up, it takes no part, and giving it up again is fine': async (subject) => {
    const upload = await begun(subject);
    const { url } = await subject.multipart.presignPart({ ...upload, number: 1, ttlSeconds: TTL_SECONDS });
    for (let times = 0; times < 2; times++) await subject.multipart.abort(upload);
    expect(await subject.putPart(url, randomBytes(5))).toBeNull();
    expect(await partsOf(subject, upload)).toBeNull();
  },
  'by its key alone every unfinished upload of it is given up, and no other': async (subject) => {
    const upload = await begun(subject);
    const neighbour = `${upload.key}x`;
    const { storeId } = await subject.multipart.create({ key: neighbour, contentType: 'a/b' });
    await subject.multipart.abort({ key: upload.key, storeId: null });
    expect(await partsOf(subject, upload)).toBeNull();
    expect(await partsOf(subject, { key: neighbour, storeId })).toEqual([]);
  },
  'an upload that never was is not there': async (subject) => {
    const upload = { ...(await begun(subject)), storeId: 'nobody' };
    expect(await partsOf(subject, upload)).toBeNull();
    expect(await subject.multipart.complete(upload, [{ number: 1, tag: 'a'.repeat(32), sizeBytes: 1 }])).toBe('gone');
  },
};

async function form(subject: MultipartSubject, multipart = subject.multipart) {
  const key = newKey();
  const sizes = { sizeBytesMin: 0, sizeBytesMax: 10 };
  const made = await multipart.presignForm({ key, contentType: 'video/mp4', ...sizes, ttlSeconds: TTL_SECONDS });
  if (!('fields' in made)) throw new Error('this store takes no forms');
  return { key, form: made };
}

const formLaws: Laws<MultipartSubject> = {
  'a form takes a file within its sizes at its key': async (subject) => {
    for (const sizeBytes of [0, 1, 10]) {
      const { key, form: made } = await form(subject);
      expect(made.fields['key']).toBe(key);
      const bytes = randomBytes(sizeBytes);
      expect(await subject.postForm(made, bytes)).toBe(true);
      expect(await contentOf(subject, key)).toEqual(bytes);
    }
  },
  'a form with a larger file, another key or a time that is over is refused and leaves nothing': async (subject) => {
    const { key, form: made } = await form(subject);
    const other = newKey();
    expect(await subject.postForm(made, randomBytes(11))).toBe(false);
    expect(await subject.postForm({ ...made, fields: { ...made.fields, key: other } }, randomBytes(1))).toBe(false);
    const late = await form(subject, subject.behind(TTL_SECONDS * 1000 + 2_000));
    expect(await subject.postForm(late.form, randomBytes(1))).toBe(false);
    for (const each of [key, other, late.key]) expect(await subject.source.stat(each)).toBeNull();
  },
};
