import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { createCRC32 } from 'hash-wasm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUCKET, type Harness, presign, sdkClient, send, startHarness } from './support.ts';

const MIB = 1024 * 1024;

let harness: Harness;
// A client that adds no checksums of its own, as the one that stages chunks is set up.
let s3: Harness['s3'];
beforeAll(async () => {
  harness = await startHarness();
  s3 = sdkClient(harness.server.url, {
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
});
afterAll(() => harness.stop());

async function create(Key: string, extra: object = {}): Promise<string> {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key, ...extra }));
  return UploadId ?? '';
}

async function put(
  Key: string,
  UploadId: string,
  PartNumber: number,
  Body: Buffer,
  extra: object = {},
): Promise<CompletedPart> {
  const { ETag } = await s3.send(new UploadPartCommand({ Bucket: BUCKET, Key, UploadId, PartNumber, Body, ...extra }));
  return { PartNumber, ETag: ETag ?? '' };
}

function complete(Key: string, UploadId: string, Parts: CompletedPart[], extra: object = {}) {
  return s3.send(
    new CompleteMultipartUploadCommand({ Bucket: BUCKET, Key, UploadId, MultipartUpload: { Parts }, ...extra }),
  );
}

async function read(key: string, range?: string): Promise<Buffer> {
  const outgoing = await presign(harness.url(key));
  return (await send({ ...outgoing, headers: range === undefined ? {} : { range } })).body;
}

const first = Buffer.alloc(5 * MIB, 'a');
const second = Buffer.alloc(5 * MIB + 7, 'b');
const third = Buffer.from('the end');

describe('a multipart upload', () => {
  it('becomes one object, with the ETag of its parts and the headers of its creation', async () => {
    const UploadId = await create('whole', { ContentType: 'video/mp4', Metadata: { a: '1' } });
    const parts = [
      await put('whole', UploadId, 1, first),
      await put('whole', UploadId, 2, second),
      await put('whole', UploadId, 3, third),
    ];
    const { ETag } = await complete('whole', UploadId, parts);
    const md5s = [first, second, third].map((part) => createHash('md5').update(part).digest());
    expect(ETag).toBe(`"${createHash('md5').update(Buffer.concat(md5s)).digest('hex')}-3"`);
    const got = await s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'whole' }));
    expect([got.ContentType, got.Metadata, got.ETag]).toEqual(['video/mp4', { a: '1' }, ETag]);
    const whole = Buffer.concat([first, second, third]);
    expect((await read('whole')).equals(whole)).toBe(true);
    const [start, end] = [first.length - 3, first.length + second.length + 2];
    expect((await read('whole', `bytes=${start}-${end - 1}`)).equals(whole.subarray(start, end))).toBe(true);
    const part = await s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'whole', PartNumber: 2 }));
    expect([part.ContentLength, part.PartsCount]).toEqual([second.length, 3]);
  });

  it('takes a subset of its parts, any gaps in their numbers, and the last version of each', async () => {
    const UploadId = await create('subset');
    await put('subset', UploadId, 2, second);
    const two = await put('subset', UploadId, 2, first);
    await put('subset', UploadId, 5, Buffer.from('left out'));
    const nine = await put('subset', UploadId, 9000, third);
    await complete('subset', UploadId, [two, nine]);
    expect((await read('subset')).equals(Buffer.concat([first, third]))).toBe(true);
  });

  it('refuses wrong ETags, unknown numbers, wrong order, small parts and no parts', async () => {
    const UploadId = await create('refused');
    const one = await put('refused', UploadId, 1, third);
    const two = await put('refused', UploadId, 2, third);
    const attempts: [CompletedPart[], string][] = [
      [[{ ...one, ETag: two.ETag?.replace(/^../, '"f') ?? '' }], 'InvalidPart'],
      [[{ ...one, PartNumber: 7 }], 'InvalidPart'],
      [[two, one], 'InvalidPartOrder'],
      [[one, one], 'InvalidPartOrder'],
      [[one, two], 'EntityTooSmall'],
      [[], 'MalformedXML'],
    ];
    for (const [parts, name] of attempts) {
      await expect(complete('refused', UploadId, parts)).rejects.toMatchObject({ name });
    }
    expect((await send(await presign(harness.url('refused')))).status).toBe(404);
    await complete('refused', UploadId, [two]);
    expect((await read('refused')).equals(third)).toBe(true);
  });

  it('may be completed again by a client that lost the answer, and only in the same way', async () => {
    const UploadId = await create('again');
    const [one, two] = [await put('again', UploadId, 1, first), await put('again', UploadId, 2, third)];
    const answer = await complete('again', UploadId, [one, two], { IfNoneMatch: '*' });
    const repeat = await complete('again', UploadId, [one, two], { IfNoneMatch: '*' });
    expect(repeat.ETag).toBe(answer.ETag);
    await expect(complete('again', UploadId, [two])).rejects.toMatchObject({ name: 'NoSuchUpload' });
    const both = Promise.all([complete('again', UploadId, [one, two]), complete('again', UploadId, [one, two])]);
    expect((await both).map(({ ETag }) => ETag)).toEqual([answer.ETag, answer.ETag]);
  });

  it('honours If-None-Match and If-Match when it completes', async () => {
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'taken', Body: 'first' }));
    const UploadId = await create('taken');
    const part = await put('taken', UploadId, 1, third);
    await expect(complete('taken', UploadId, [part], { IfNoneMatch: '*' })).rejects.toMatchObject({
      name: 'PreconditionFailed',
    });
    await expect(complete('taken', UploadId, [part], { IfMatch: '"x"' })).rejects.toMatchObject({
      name: 'PreconditionFailed',
    });
    expect(String(await read('taken'))).toBe('first');
    await complete('taken', UploadId, [part]);
    expect(String(await read('taken'))).toBe('the end');
  });

  it('that is aborted is gone, with its parts', async () => {
    const UploadId = await create('aborted');
    const part = await put('aborted', UploadId, 1, third);
    const target = { Bucket: BUCKET, Key: 'aborted', UploadId };
    await s3.send(new AbortMultipartUploadCommand(target));
    await expect(s3.send(new ListPartsCommand(target))).rejects.toMatchObject({ name: 'NoSuchUpload' });
    await expect(s3.send(new AbortMultipartUploadCommand(target))).rejects.toMatchObject({ name: 'NoSuchUpload' });
    await expect(put('aborted', UploadId, 2, third)).rejects.toMatchObject({ name: 'NoSuchUpload' });
    await expect(complete('aborted', UploadId, [part])).rejects.toMatchObject({ name: 'NoSuchUpload' });
  });

  it('belongs to its key', async () => {
    const UploadId = await create('mine');
    await expect(put('yours', UploadId, 1, third)).rejects.toMatchObject({ name: 'NoSuchUpload' });
    await expect(put('mine', 'made-up', 1, third)).rejects.toMatchObject({ name: 'NoSuchUpload' });
  });

  it('numbers its parts from 1 to 10000', async () => {
    const UploadId = await create('numbers');
    for (const PartNumber of [0, 10_001, -1]) {
      await expect(put('numbers', UploadId, PartNumber, third)).rejects.toMatchObject({ name: 'InvalidArgument' });
    }
    const nothing = await presign(harness.url('numbers', `?uploadId=${UploadId}`), { method: 'PUT' });
    expect((await send(nothing, 'part of nothing')).code).toBe('InvalidArgument');
    expect((await send(await presign(harness.url('numbers')))).status).toBe(404);
  });

  it('lists its parts in pages', async () => {
    const Key = 'parts';
    const UploadId = await create(Key);
    for (const number of [3, 1, 20, 10_000, 4]) await put(Key, UploadId, number, Buffer.from(String(number)));
    const pages: (number | undefined)[][] = [];
    let PartNumberMarker: string | undefined;
    do {
      const page = await s3.send(
        new ListPartsCommand({ Bucket: BUCKET, Key, UploadId, MaxParts: 2, PartNumberMarker }),
      );
      pages.push((page.Parts ?? []).map(({ PartNumber }) => PartNumber));
      PartNumberMarker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
    } while (PartNumberMarker !== undefined);
    expect(pages).toEqual([[1, 3], [4, 20], [10_000]]);
  });

  it('is listed until it ends, in pages, by key and then by start', async () => {
    const ids = [await create('list/b'), await create('list/a'), await create('list/b'), await create('other')];
    const found: string[] = [];
    let page: ListMultipartUploadsCommandOutput | undefined;
    do {
      const next = { KeyMarker: page?.NextKeyMarker, UploadIdMarker: page?.NextUploadIdMarker };
      page = await s3.send(
        new ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: 'list/', MaxUploads: 1, ...next }),
      );
      found.push(...(page.Uploads ?? []).map(({ Key, UploadId }) => `${Key} ${ids.indexOf(UploadId ?? '')}`));
    } while (page.IsTruncated);
    expect(new Set(found)).toEqual(new Set(['list/a 1', 'list/b 0', 'list/b 2']));
    expect(found[0]).toBe('list/a 1');
    for (const [i, Key] of ['list/b', 'list/a', 'list/b', 'other'].entries()) {
      await s3.send(new AbortMultipartUploadCommand({ Bucket: BUCKET, Key, UploadId: ids[i] ?? '' }));
    }
    const rest = await s3.send(new ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: 'list/' }));
    expect(rest.Uploads).toBeUndefined();
  });

  it('copies ranges of objects into parts', async () => {
    const source = Buffer.concat([first, second, third]);
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'source', Body: source }));
    const UploadId = await create('copied');
    const copy = async (PartNumber: number, start: number, end: number) => {
      const { CopyPartResult } = await s3.send(
        new UploadPartCopyCommand({
          Bucket: BUCKET,
          Key: 'copied',
          UploadId,
          PartNumber,
          CopySource: `${BUCKET}/source`,
          CopySourceRange: `bytes=${start}-${end - 1}`,
        }),
      );
      return { PartNumber, ETag: CopyPartResult?.ETag ?? '' };
    };
    const parts = [await copy(1, 5, 5 + 6 * MIB), await copy(2, 0, 100)];
    await complete('copied', UploadId, parts);
    const expected = Buffer.concat([source.subarray(5, 5 + 6 * MIB), source.subarray(0, 100)]);
    expect((await read('copied')).equals(expected)).toBe(true);
    await expect(copy(3, 0, source.length + 1)).rejects.toMatchObject({ name: 'NoSuchUpload' });
    const other = await create('copied');
    const tooLong = new UploadPartCopyCommand({
      Bucket: BUCKET,
      Key: 'copied',
      UploadId: other,
      PartNumber: 1,
      CopySource: `${BUCKET}/source`,
      CopySourceRange: `bytes=0-${source.length}`,
    });
    await expect(s3.send(tooLong)).rejects.toMatchObject({ name: 'InvalidArgument' });
  });
});

describe('checksums of a multipart upload', () => {
  const bodies = [first, second, third];

  async function uploadWith(
    Key: string,
    ChecksumAlgorithm: 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA256',
    ChecksumType: string,
  ) {
    const UploadId = await create(Key, { ChecksumAlgorithm, ChecksumType });
    const parts: CompletedPart[] = [];
    for (const [i, Body] of bodies.entries()) {
      const command = { Bucket: BUCKET, Key, UploadId, PartNumber: i + 1, Body, ChecksumAlgorithm };
      const { $metadata, ...sums } = await s3.send(new UploadPartCommand(command));
      parts.push({ ...sums, PartNumber: i + 1 });
    }
    return { UploadId, parts };
  }

  it.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)(
    'of the whole object are those of one put (%s)',
    async (algorithm) => {
      const Key = `full ${algorithm}`;
      const { UploadId, parts } = await uploadWith(Key, algorithm, 'FULL_OBJECT');
      const answer = await complete(Key, UploadId, parts);
      const Body = Buffer.concat(bodies);
      const single = await s3.send(
        new PutObjectCommand({ Bucket: BUCKET, Key: 'single', Body, ChecksumAlgorithm: algorithm }),
      );
      const name = `Checksum${algorithm}` as const;
      expect(answer[name]).toBe(single[name]);
      expect(answer.ChecksumType).toBe('FULL_OBJECT');
    },
  );

  it('of its parts are hashed again and counted', async () => {
    const { UploadId, parts } = await uploadWith('composite', 'SHA256', 'COMPOSITE');
    const digests = bodies.map((body) => createHash('sha256').update(body).digest());
    const expected = `${createHash('sha256').update(Buffer.concat(digests)).digest('base64')}-3`;
    expect((await complete('composite', UploadId, parts)).ChecksumSHA256).toBe(expected);
    const head = await s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'composite', ChecksumMode: 'ENABLED' }));
    expect([head.ChecksumSHA256, head.ChecksumType]).toEqual([expected, 'COMPOSITE']);
  });

  it('that the client claims of the object are verified', async () => {
    const { UploadId, parts } = await uploadWith('claimed', 'CRC32', 'FULL_OBJECT');
    await expect(complete('claimed', UploadId, parts, { ChecksumCRC32: 'AAAAAA==' })).rejects.toMatchObject({
      name: 'BadDigest',
    });
    await expect(complete('claimed', UploadId, parts, { MpuObjectSize: 3 })).rejects.toMatchObject({
      name: 'InvalidRequest',
    });
    const crc32 = await createCRC32();
    for (const body of bodies) crc32.update(body);
    const ChecksumCRC32 = Buffer.from(crc32.digest('binary')).toString('base64');
    await complete('claimed', UploadId, parts, { ChecksumCRC32, MpuObjectSize: Buffer.concat(bodies).length });
  });

  it('are needed on every part, in the list of a composite one, and have to be those of the parts', async () => {
    const { UploadId, parts } = await uploadWith('needed', 'SHA256', 'COMPOSITE');
    const bare = parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
    await expect(complete('needed', UploadId, bare)).rejects.toMatchObject({ name: 'InvalidRequest' });
    const swapped = parts.map((part) => ({ ...part, ChecksumSHA256: parts[0]?.ChecksumSHA256 }));
    await expect(complete('needed', UploadId, swapped)).rejects.toMatchObject({ name: 'InvalidPart' });
    const plain = await presign(harness.url('needed', `?partNumber=4&uploadId=${UploadId}`), { method: 'PUT' });
    expect((await send(plain, 'unsummed')).code).toBe('InvalidRequest');
  });

  it('come in the combinations that S3 knows', async () => {
    await expect(create('odd', { ChecksumAlgorithm: 'SHA256', ChecksumType: 'FULL_OBJECT' })).rejects.toThrow(
      /cannot be used/,
    );
    await expect(create('odd', { ChecksumAlgorithm: 'CRC64NVME', ChecksumType: 'COMPOSITE' })).rejects.toThrow(
      /cannot be used/,
    );
  });
});
