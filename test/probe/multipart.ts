/** Multipart uploads: what makes one object of them, and what must not. */
import { createHash, randomBytes } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { Check, Checks } from './check.ts';
import { newKey, type Store, saidTo } from './store.ts';

/** The least that a part may have, unless it is the last. */
const PART_BYTES = 5 * 1024 * 1024;

export const multipartChecks: Checks = {
  'an upload of two parts becomes their bytes, with the ETag of their MD5s': {
    s3: '200, intact, right ETag',
    async ask(store) {
      const upload = await begin(store);
      const bodies = [randomBytes(PART_BYTES), Buffer.from('last')];
      const parts = [await upload.put(1, bodies[0]), await upload.put(2, bodies[1])];
      const answer = await upload.complete(parts);
      const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest();
      const etag = `"${md5(Buffer.concat(bodies.map(md5))).toString('hex')}-2"`;
      const head = await store.s3.send(new HeadObjectCommand(upload.object));
      const isIntact = (await store.get(upload.object.Key))?.equals(Buffer.concat(bodies));
      return `${answer}, ${isIntact ? 'intact' : 'corrupted'}, ${head.ETag === etag ? 'right' : 'another'} ETag`;
    },
  },
  'an upload is invisible until it is complete, but listed': {
    s3: '404 NotFound, listed',
    async ask(store) {
      const { object, UploadId } = await begin(store);
      const seen = await saidTo(store.s3.send(new HeadObjectCommand(object)));
      const { Uploads = [] } = await store.s3.send(
        new ListMultipartUploadsCommand({ Bucket: store.bucket, Prefix: object.Key }),
      );
      return `${seen}, ${Uploads.some((entry) => entry.UploadId === UploadId) ? 'listed' : 'not listed'}`;
    },
  },
  'parts are listed in pages, in order, the last put of each': {
    s3: '1:1 2:2, 7:3',
    async ask(store) {
      const upload = await begin(store);
      for (const [number, sizeBytes] of [
        [7, 3],
        [2, 9],
        [1, 1],
        [2, 2],
      ] as const) {
        await upload.put(number, Buffer.alloc(sizeBytes));
      }
      const pages: string[] = [];
      for (let marker: string | undefined; ; ) {
        const page = await store.s3.send(
          new ListPartsCommand({ ...upload.object, UploadId: upload.UploadId, MaxParts: 2, PartNumberMarker: marker }),
        );
        pages.push((page.Parts ?? []).map(({ PartNumber, Size }) => `${PartNumber}:${Size}`).join(' '));
        if (page.IsTruncated !== true || pages.length > 3) return pages.join(', ');
        marker = page.NextPartNumberMarker;
      }
    },
  },
  'a completion with a wrong ETag': {
    s3: '400 InvalidPart',
    async ask(store) {
      const upload = await begin(store);
      await upload.put(1, Buffer.from('a'));
      return upload.complete([{ PartNumber: 1, ETag: '"00000000000000000000000000000000"' }]);
    },
  },
  'a completion with its parts in wrong order': {
    s3: '400 InvalidPartOrder',
    async ask(store) {
      const upload = await begin(store);
      const first = await upload.put(1, Buffer.alloc(PART_BYTES));
      return upload.complete([await upload.put(2, Buffer.alloc(PART_BYTES)), first]);
    },
  },
  'a completion with a small part before the last': {
    s3: '400 EntityTooSmall',
    async ask(store) {
      const upload = await begin(store);
      return upload.complete([await upload.put(1, Buffer.from('a')), await upload.put(2, Buffer.from('b'))]);
    },
  },
  'a completion with some of its parts': {
    s3: '200, 1 byte',
    async ask(store) {
      const upload = await begin(store);
      await upload.put(1, Buffer.alloc(PART_BYTES));
      const answer = await upload.complete([await upload.put(3, Buffer.from('c'))]);
      const sizeBytes = (await store.get(upload.object.Key))?.length;
      return sizeBytes === undefined ? answer : `${answer}, ${sizeBytes} byte`;
    },
  },
  'a completion sent again': {
    s3: '200, then 200',
    async ask(store) {
      const upload = await begin(store);
      const parts = [await upload.put(1, Buffer.from('a'))];
      return `${await upload.complete(parts)}, then ${await upload.complete(parts)}`;
    },
  },
  'a completion with If-None-Match where an object is': {
    s3: '412 PreconditionFailed',
    async ask(store) {
      const upload = await begin(store);
      await store.put(upload.object.Key, 'first');
      const answer = await upload.complete([await upload.put(1, Buffer.from('a'))], { IfNoneMatch: '*' });
      return String(await store.get(upload.object.Key)) === 'first' ? answer : `${answer}, and replaced it`;
    },
  },
  'the parts of an upload that was aborted': {
    s3: '204, then 404 NoSuchUpload',
    async ask(store) {
      const upload = await begin(store);
      await upload.put(1, Buffer.from('a'));
      const where = { ...upload.object, UploadId: upload.UploadId };
      const aborted = await saidTo(store.s3.send(new AbortMultipartUploadCommand(where)));
      return `${aborted}, then ${await saidTo(store.s3.send(new ListPartsCommand(where)))}`;
    },
  },
  'a part for an upload that was aborted': {
    s3: '404 NoSuchUpload',
    async ask(store) {
      const upload = await begin(store);
      const where = { ...upload.object, UploadId: upload.UploadId };
      await store.s3.send(new AbortMultipartUploadCommand(where));
      return saidTo(store.s3.send(new UploadPartCommand({ ...where, PartNumber: 1, Body: 'a' })));
    },
  },
  'a part for an upload of another key': {
    s3: '404 NoSuchUpload',
    async ask(store) {
      const { UploadId } = await begin(store);
      const part = { Bucket: store.bucket, Key: newKey(), UploadId, PartNumber: 1, Body: 'a' };
      return saidTo(store.s3.send(new UploadPartCommand(part)));
    },
  },
  'a part number 0, and 10001': {
    s3: '400 InvalidArgument, 400 InvalidArgument',
    async ask(store) {
      const { object, UploadId } = await begin(store);
      const put = (PartNumber: number) =>
        saidTo(store.s3.send(new UploadPartCommand({ ...object, UploadId, PartNumber, Body: 'a' })));
      return `${await put(0)}, ${await put(10_001)}`;
    },
  },
  'a part copied from a range of another object': copiedPart('of 中文 + "', '200, then 200: cde'),
  'a part copied from an object with a percent sign in its name': copiedPart('100%', '200, then 200: cde'),
  'a part copied from an object named a%41, beside one named aA': {
    s3: '200, then 200: the right one',
    async ask(store) {
      const source = newKey('a%41');
      await store.put(source, 'the right one');
      await store.put(source.replace('%41', 'A'), 'the wrong one');
      return copyPart(store, source, 'bytes=0-12');
    },
  },
  'a part copied with x-amz-copy-source-if-match of another version': copiedPart(
    'object',
    '412 PreconditionFailed',
    '"00000000000000000000000000000000"',
  ),
};

interface Part {
  readonly PartNumber: number;
  readonly ETag: string;
}

async function begin(store: Store) {
  const object = { Bucket: store.bucket, Key: newKey() };
  const { UploadId } = await store.s3.send(new CreateMultipartUploadCommand(object));
  return {
    object,
    UploadId,
    async put(PartNumber: number, Body: Uint8Array = Buffer.alloc(0)): Promise<Part> {
      const { ETag = '' } = await store.s3.send(new UploadPartCommand({ ...object, UploadId, PartNumber, Body }));
      return { PartNumber, ETag };
    },
    complete: (Parts: Part[], condition: { readonly IfNoneMatch?: string } = {}) =>
      saidTo(
        store.s3.send(
          new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload: { Parts }, ...condition }),
        ),
      ),
  };
}

function copiedPart(name: string, s3: string, ifMatch?: string): Check {
  return {
    s3,
    async ask(store) {
      const source = newKey(name);
      await store.put(source, 'abcdefghij');
      return copyPart(store, source, 'bytes=2-4', ifMatch);
    },
  };
}

/** Makes an object of it, and tells its content. */
async function copyPart(store: Store, source: string, range: string, ifMatch?: string): Promise<string> {
  const { object, UploadId, complete } = await begin(store);
  const copying = store.s3.send(
    new UploadPartCopyCommand({
      ...{ ...object, UploadId, PartNumber: 1, CopySourceRange: range, CopySourceIfMatch: ifMatch },
      CopySource: `${store.bucket}/${source.split('/').map(encodeURIComponent).join('/')}`,
    }),
  );
  const copied = await saidTo(copying);
  if (copied !== '200') return copied;
  const answer = await complete([{ PartNumber: 1, ETag: (await copying).CopyPartResult?.ETag ?? '' }]);
  return `${copied}, then ${answer}: ${await store.get(object.Key)}`;
}
