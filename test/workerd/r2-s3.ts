/** R2 by its S3 API, as the `s3` adapters speak it: parts of clients that are not ours, and files that stay. */
import { r2MultipartIntake } from '#adapters/r2/multipart.ts';
import { s3Files } from '#adapters/s3/files.ts';
import { presignWhole, s3MultipartIntake } from '#adapters/s3/multipart.ts';
import type { PresignConfig } from '#adapters/s3/presign.ts';
import { s3Client } from '#clients/s3/client.ts';
import type { MultipartIntake } from '#core/ports/multipart.ts';
import type { StagingSource } from '#core/ports/staging.ts';
import { type MultipartSubject, multipartContract } from '../contract/multipart.contract.ts';
import { randomBytes } from '../contract/random-bytes.ts';
import type { Exception } from '../contract/suite.ts';
import { describe, expect, it } from './vitest.ts';

/** What a law finds when it runs: `behindMs` is by how much the clock that signs is late. */
export interface R2World {
  readonly source: StagingSource;
  config(behindMs: number): PresignConfig & { readonly accessKeyId: string; readonly secretAccessKey: string };
}

export function declareS3Laws(world: () => R2World): void {
  multipartContract({
    name: 'r2 by s3',
    except: [
      ...except(
        'wrangler answers ListParts with 501; R2 documents it',
        'a part is what was last put under its number, listed with its size and the tag of its PUT',
        'one URL takes its part more than once',
        'a URL for another number, made by hand, is refused',
        'a listing goes on where the one before ended',
        'completed, the parts are one object; said again, there is no such upload, and the object stays',
        'a part that has changed since it was listed is refused, and nothing is made',
        'a part below the minimum that is not the last is refused',
        'given up, it takes no part, and giving it up again is fine',
        'an upload that never was is not there',
      ),
      ...except(
        'wrangler answers ListMultipartUploads with 501; R2 documents it',
        'by its key alone every unfinished upload of it is given up, and no other',
      ),
      ...except('wrangler makes tags up; R2 documents MD5', 'equal bytes have equal tags, where the store says so'),
      ...except(
        'R2 takes no forms: it is given the file itself',
        'a form takes a file within its sizes at its key',
        'a form with a larger file, another key or a time that is over is refused and leaves nothing',
      ),
    ],
    make: () => ({ subject: multipartSubject(world()) }),
  });

  describe('r2 by s3', () => {
    it('parts by presigned URLs are one object, which the binding reads; said again, there is no such upload', async () => {
      const { source, ...made } = world();
      const subject = multipartSubject({ source, ...made });
      const upload = await begun(subject);
      const bytes = [randomBytes(5 * 1024 * 1024), randomBytes(3)];
      const parts = [];
      for (const [index, part] of bytes.entries()) {
        parts.push({ number: index + 1, tag: await put(subject, upload, index + 1, part), sizeBytes: part.byteLength });
      }
      expect(await source.stat(upload.key)).toBeNull();
      expect(await subject.multipart.complete(upload, parts)).toBe('done');
      const object = await source.stat(upload.key);
      expect(object?.sizeBytes).toBe(5 * 1024 * 1024 + 3);
      const range = { start: 5 * 1024 * 1024 - 2, end: 5 * 1024 * 1024 + 3 };
      const stream = await source.read(
        { key: upload.key, version: object?.version ?? '' },
        range,
        new AbortController().signal,
      );
      expect(Buffer.concat(await Array.fromAsync(stream))).toEqual(Buffer.concat(bytes).subarray(range.start));
      expect(await subject.multipart.complete(upload, parts)).toBe('gone');
    });

    it('parts of unequal tags, too small ones, and uploads that were given up are told apart', async () => {
      const subject = multipartSubject(world());
      const upload = await begun(subject);
      const tags = [await put(subject, upload, 1, randomBytes(9)), await put(subject, upload, 2, randomBytes(9))];
      const parts = tags.map((tag, index) => ({ number: index + 1, tag, sizeBytes: 9 }));
      const [first] = parts;
      await expect(subject.multipart.complete(upload, parts)).rejects.toMatchObject({
        code: 'multipart.part_too_small',
      });
      const changed = first === undefined ? [] : [{ ...first, tag: 'a'.repeat(32) }];
      await expect(subject.multipart.complete(upload, changed)).rejects.toMatchObject({
        code: 'multipart.part_changed',
      });
      for (let times = 0; times < 2; times++) await subject.multipart.abort(upload);
      expect(await subject.multipart.complete(upload, parts)).toBe('gone');
    });

    it('a whole file goes by a PUT of its type and, where it was told, of its size; again too, until its time is over', async () => {
      const { multipart, behind, source } = multipartSubject(world());
      const key = 'inbox/a/测 试+1.bin';
      const tried = async (at: MultipartIntake, sizes: readonly [number, number], body: string, type = 'a/b') => {
        const [sizeBytesMin, sizeBytesMax] = sizes;
        const put = await at.presignForm({ key, contentType: 'a/b', sizeBytesMin, sizeBytesMax, ttlSeconds: 60 });
        if ('fields' in put) throw new Error('R2 takes no forms');
        expect(put.headers).toEqual({ 'content-type': 'a/b' });
        return (await fetch(put.url, { method: 'PUT', headers: { 'content-type': type }, body })).status;
      };
      expect(await tried(multipart, [5, 5], 'hello!')).toBe(403);
      expect(await tried(multipart, [0, 9], 'hello', 'text/html')).toBe(403);
      expect(await tried(behind(62_000), [0, 9], 'hello')).toBe(403);
      expect(await source.stat(key)).toBeNull();
      for (let times = 0; times < 2; times++) expect(await tried(multipart, [5, 5], 'hello')).toBe(200);
      expect(await tried(multipart, [0, 9], 'hello you')).toBe(200);
      expect((await source.stat(key))?.sizeBytes).toBe(9);
    });

    it('a file that was put, by us or by a presigned URL, is fetched whole and in parts', async () => {
      const files = filesOf(world());
      const key = 'files/测 试+1.bin';
      await files.put({ key, contentType: 'video/mp4' }, Buffer.from('first'));
      expect((await files.head(key))?.contentType).toBe('video/mp4');
      const { url, headers } = await files.presignPut({ key, contentType: 'text/plain', sizeBytes: 6, ttlSeconds: 60 });
      const tried = async (body: string, sent: Readonly<Record<string, string>>) =>
        (await fetch(url, { method: 'PUT', headers: sent, body })).status;
      expect(await tried('second', { 'content-type': 'video/mp4' })).toBe(403);
      expect(await tried('longer!', headers)).toBe(403);
      expect(await tried('second', headers)).toBe(200);
      const get = await files.presignGet({ key, fileName: '测 试.bin', ttlSeconds: 60 });
      const whole = await fetch(get.url);
      expect(await whole.text()).toBe('second');
      // What Files promises and wrangler does not keep; see adapters/r2/README.md.
      expect(whole.headers.get('content-disposition')).toBeNull();
      const part = await fetch(get.url, { headers: { range: 'bytes=1-3' } });
      expect(await part.text()).toBe('eco');
      await files.remove(key);
      await files.remove(key);
      expect(await files.head(key)).toBeNull();
    });
  });
}

function except(because: string, ...laws: readonly string[]): readonly Exception[] {
  return laws.map((law) => ({ law, because }));
}

function multipartSubject({ source, config }: R2World): MultipartSubject {
  const at = (behindMs: number) =>
    r2MultipartIntake(s3MultipartIntake(s3Client(config(0)), config(behindMs)), (file) =>
      presignWhole(config(behindMs), file),
    );
  return {
    multipart: at(0),
    behind: at,
    source,
    putPart: async (url, body) => {
      const answer = await fetch(url, { method: 'PUT', body: Buffer.from(body) });
      await answer.arrayBuffer();
      return answer.ok ? (answer.headers.get('etag') ?? '').replaceAll('"', '') : null;
    },
    postForm: async () => false,
  };
}

function filesOf({ config }: R2World) {
  return s3Files(s3Client(config(0)), config(0));
}

async function begun({ multipart }: MultipartSubject) {
  const key = `inbox/folder/测 试+${randomBytes(6).toString('hex')} (1).bin`;
  const { storeId } = await multipart.create({ key, contentType: 'video/mp4' });
  return { key, storeId };
}

async function put(
  subject: MultipartSubject,
  upload: { readonly key: string; readonly storeId: string },
  number: number,
  bytes: Uint8Array,
): Promise<string> {
  const { url } = await subject.multipart.presignPart({ ...upload, number, ttlSeconds: 60 });
  const tag = await subject.putPart(url, bytes);
  if (tag === null) throw new Error('a part was refused');
  return tag;
}
