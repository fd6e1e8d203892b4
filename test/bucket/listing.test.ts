import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUCKET, type Harness, startHarness } from './support.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

interface Listed {
  readonly keys: string[];
  readonly groups: string[];
}

/** What a listing is, by definition: keys in byte order, cut at the delimiter. */
function model(keys: Iterable<string>, prefix: string, delimiter: string, after: string): Listed {
  const bytes = (text: string): Buffer => Buffer.from(text);
  const sorted = [...keys]
    .filter((key) => key.startsWith(prefix) && Buffer.compare(bytes(key), bytes(after)) > 0)
    .sort((left, right) => Buffer.compare(bytes(left), bytes(right)));
  const groupOf = (key: string): string | undefined => {
    const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    return at === -1 ? undefined : key.slice(0, at + delimiter.length);
  };
  return {
    keys: sorted.filter((key) => groupOf(key) === undefined),
    groups: [...new Set(sorted.flatMap((key) => groupOf(key) ?? []))],
  };
}

async function listV2(Prefix: string, Delimiter: string, MaxKeys: number, StartAfter: string): Promise<Listed> {
  const listed: Listed = { keys: [], groups: [] };
  let ContinuationToken: string | undefined;
  do {
    const page = await harness.s3.send(
      new ListObjectsV2Command({ Bucket: BUCKET, Prefix, Delimiter, MaxKeys, StartAfter, ContinuationToken }),
    );
    const [contents, prefixes] = [page.Contents ?? [], page.CommonPrefixes ?? []];
    expect(page.KeyCount).toBe(contents.length + prefixes.length);
    expect(page.KeyCount).toBeLessThanOrEqual(MaxKeys);
    if (page.IsTruncated) expect(page.KeyCount).toBe(MaxKeys);
    listed.keys.push(...contents.map(({ Key }) => Key ?? ''));
    listed.groups.push(...prefixes.map(({ Prefix: group }) => group ?? ''));
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  return listed;
}

async function listV1(Prefix: string, Delimiter: string, MaxKeys: number): Promise<Listed> {
  const listed: Listed = { keys: [], groups: [] };
  let Marker: string | undefined;
  for (let isMore: boolean | undefined = true; isMore; ) {
    const page = await harness.s3.send(new ListObjectsCommand({ Bucket: BUCKET, Prefix, Delimiter, MaxKeys, Marker }));
    listed.keys.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ''));
    listed.groups.push(...(page.CommonPrefixes ?? []).map(({ Prefix: group }) => group ?? ''));
    Marker = page.NextMarker;
    isMore = page.IsTruncated;
  }
  return listed;
}

describe('a listing', () => {
  it('is every key once, in UTF-8 byte order, grouped and paged, by both versions', async () => {
    const segment = fc.constantFrom(
      'a',
      'b',
      'a-',
      'A',
      '0',
      'ab',
      'é',
      '中',
      '\uffee',
      '👍',
      ' ',
      '+',
      '&',
      '<',
      '%41',
    );
    const key = fc
      .array(segment, { minLength: 1, maxLength: 4 })
      .chain((segments) => fc.constantFrom('/', '', '//').map((joint) => segments.join(joint)));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { minLength: 1, maxLength: 14 }),
        fc.constantFrom('', 'a', 'a/', '中', 'none'),
        fc.constantFrom('', '/', '//', '-'),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom('', 'a', 'a/b', 'é'),
        async (keys, prefix, delimiter, pageSize, after) => {
          await Promise.all(
            keys.map((Key) => harness.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: '.' }))),
          );
          try {
            expect(await listV2(prefix, delimiter, pageSize, after)).toEqual(model(keys, prefix, delimiter, after));
            // The first version names its next page only when it groups.
            if (delimiter !== '')
              expect(await listV1(prefix, delimiter, pageSize)).toEqual(model(keys, prefix, delimiter, ''));
          } finally {
            const Objects = keys.map((Key) => ({ Key }));
            await harness.s3.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects } }));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('percent-encodes keys on request, so that any key survives XML', async () => {
    const keys = ['tab\there', 'bell\u0007', 'cr\rlf\n', 'space and+plus', 'a/b'];
    for (const Key of keys) await harness.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: '.' }));
    const page = await harness.s3.send(new ListObjectsV2Command({ Bucket: BUCKET, EncodingType: 'url' }));
    expect(page.Contents?.map(({ Key }) => decodeURIComponent(Key ?? '')).sort()).toEqual([...keys].sort());
    await harness.s3.send(
      new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects: keys.map((Key) => ({ Key })) } }),
    );
  });

  it('of no entries is not truncated', async () => {
    await harness.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'one', Body: '1' }));
    const none = await harness.s3.send(new ListObjectsV2Command({ Bucket: BUCKET, MaxKeys: 0 }));
    expect([none.KeyCount, none.IsTruncated, none.Contents]).toEqual([0, false, undefined]);
    const one = await harness.s3.send(new ListObjectsV2Command({ Bucket: BUCKET, MaxKeys: 1 }));
    expect(one.Contents).toMatchObject([{ Key: 'one', Size: 1, ETag: '"c4ca4238a0b923820dcc509a6f75849b"' }]);
    expect(one.IsTruncated).toBe(false);
  });

  it('refuses a made-up token, a page size that is no number and a missing bucket', async () => {
    const bad = [{ ContinuationToken: '!!' }, { EncodingType: 'rot13' }];
    for (const extra of bad) {
      const command = new ListObjectsV2Command({ Bucket: BUCKET, ...(extra as object) });
      await expect(harness.s3.send(command)).rejects.toMatchObject({ name: 'InvalidArgument' });
    }
    await expect(harness.s3.send(new ListObjectsV2Command({ Bucket: 'missing' }))).rejects.toMatchObject({
      name: 'NoSuchBucket',
    });
  });
});

describe('buckets', () => {
  it('are created, found, listed and deleted only when empty', async () => {
    const Bucket = 'second-bucket';
    await harness.s3.send(new CreateBucketCommand({ Bucket }));
    await expect(harness.s3.send(new CreateBucketCommand({ Bucket }))).rejects.toMatchObject({
      name: 'BucketAlreadyOwnedByYou',
    });
    await harness.s3.send(new HeadBucketCommand({ Bucket }));
    const { Buckets } = await harness.s3.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toEqual(['second-bucket', BUCKET]);
    await harness.s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'a' }));
    await expect(harness.s3.send(new DeleteBucketCommand({ Bucket }))).rejects.toMatchObject({
      name: 'BucketNotEmpty',
    });
    await harness.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'a' }] } }));
    await harness.s3.send(new DeleteBucketCommand({ Bucket }));
    await expect(harness.s3.send(new HeadBucketCommand({ Bucket }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 404 },
    });
  });

  it('have the names of hosts and the region of the server', async () => {
    for (const Bucket of ['ab', 'Upper', 'a..b', '-a-']) {
      await expect(harness.s3.send(new CreateBucketCommand({ Bucket }))).rejects.toMatchObject({
        name: 'InvalidBucketName',
      });
    }
    const LocationConstraint = 'eu-west-1';
    const elsewhere = new CreateBucketCommand({ Bucket: 'abroad', CreateBucketConfiguration: { LocationConstraint } });
    await expect(harness.s3.send(elsewhere)).rejects.toMatchObject({ name: 'IllegalLocationConstraintException' });
  });

  it('say where they are and that they have no versions', async () => {
    const location = await harness.s3.send(new GetBucketLocationCommand({ Bucket: BUCKET }));
    expect(location.LocationConstraint ?? '').toBe('');
    expect((await harness.s3.send(new GetBucketVersioningCommand({ Bucket: BUCKET }))).Status).toBeUndefined();
  });
});
