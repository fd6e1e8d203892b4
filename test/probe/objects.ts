/** Reading, listing, copying, removing, and the conditions of each. */
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { send } from '../bucket/support.ts';
import type { Check, Checks } from './check.ts';
import { newKey, type Store, said, saidTo } from './store.ts';

/** In UTF-8 byte order, in which the emoji comes last; in UTF-16 it would stand before the fullwidth tilde. */
const ODD_NAMES = [
  ' a b ',
  '"q" & \'s\' <t>',
  '#?',
  '%20',
  '+',
  '...',
  '.hidden',
  'back\\slash',
  'e\u0301',
  'two//slashes',
  '\u0102',
  '中文',
  '～',
  '🎬',
];

export const objectChecks: Checks = {
  'an object that is not there': {
    s3: '404 NoSuchKey',
    ask: (store) => saidTo(store.s3.send(new GetObjectCommand({ Bucket: store.bucket, Key: newKey() }))),
  },
  'a bucket that is not there': {
    s3: '404 NoSuchBucket',
    ask: (store) => saidTo(store.s3.send(new GetObjectCommand({ Bucket: 'probe-of-no-bucket', Key: 'x' }))),
  },
  'bytes=2-4 of ten': range('bytes=2-4', '206 bytes 2-4/10: cde'),
  'bytes=7- of ten': range('bytes=7-', '206 bytes 7-9/10: hij'),
  'bytes=-3 of ten': range('bytes=-3', '206 bytes 7-9/10: hij'),
  'bytes=-30 of ten': range('bytes=-30', '206 bytes 0-9/10: abcdefghij'),
  'bytes=8-20 of ten': range('bytes=8-20', '206 bytes 8-9/10: ij'),
  'bytes=10-12 of ten': range('bytes=10-12', '416 InvalidRange'),
  'bytes=4-2 of ten': range('bytes=4-2', '200: abcdefghij'),
  'a GET with If-Match of another version': {
    s3: '412 PreconditionFailed',
    ask: async (store) => said(await getWith(store, { 'if-match': '"00000000000000000000000000000000"' })),
  },
  'a GET with If-None-Match of this version': {
    s3: '304',
    ask: async (store) => said(await getWith(store, { 'if-none-match': '"a925576942e94b2ef57a066101b48876"' })),
  },
  'a presigned GET with another content-disposition': {
    s3: '200 attachment',
    async ask(store) {
      const key = newKey();
      await store.put(key, 'x');
      const answer = await send(await store.presign(store.url(key, '?response-content-disposition=attachment')));
      return `${said(answer)} ${answer.headers['content-disposition']}`;
    },
  },
  'eight PUTs with If-None-Match at once': {
    s3: 'one is taken and kept',
    async ask(store) {
      const Key = newKey();
      const bodies = Array.from({ length: 8 }, (_, index) => `body ${index}`);
      const answers = await Promise.all(
        bodies.map((Body) =>
          saidTo(store.s3.send(new PutObjectCommand({ Bucket: store.bucket, Key, Body, IfNoneMatch: '*' }))),
        ),
      );
      const taken = bodies.filter((_, index) => answers[index] === '200');
      if (taken.length !== 1) return `${taken.length} are taken`;
      return (await store.get(Key))?.toString() === taken[0]
        ? 'one is taken and kept'
        : 'one is taken and another kept';
    },
  },
  'a PUT with If-Match of this version, then of another': {
    s3: '200, then 412 PreconditionFailed',
    async ask(store) {
      const Key = newKey();
      const { ETag = '' } = await store.s3.send(new PutObjectCommand({ Bucket: store.bucket, Key, Body: 'a' }));
      const put = (Body: string) =>
        saidTo(store.s3.send(new PutObjectCommand({ Bucket: store.bucket, Key, Body, IfMatch: ETag })));
      return `${await put('b')}, then ${await put('c')}`;
    },
  },
  'a DELETE with If-Match of another version': {
    s3: '412 PreconditionFailed',
    async ask(store) {
      const Key = newKey();
      await store.put(Key, 'stays');
      const IfMatch = '"00000000000000000000000000000000"';
      const answer = await saidTo(store.s3.send(new DeleteObjectCommand({ Bucket: store.bucket, Key, IfMatch })));
      return (await store.get(Key)) === null ? `${answer}, and deleted it` : answer;
    },
  },
  'a DELETE of what is not there': {
    s3: '204',
    ask: (store) => saidTo(store.s3.send(new DeleteObjectCommand({ Bucket: store.bucket, Key: newKey() }))),
  },
  'a bulk DELETE of two objects and one that is not there': {
    s3: '3 deleted, 0 left',
    async ask(store) {
      const folder = newKey('');
      const keys = ['a', 'b', 'none'].map((name) => folder + name);
      for (const key of keys.slice(0, 2)) await store.put(key, 'x');
      const Delete = { Objects: keys.map((Key) => ({ Key })) };
      const deleting = store.s3.send(new DeleteObjectsCommand({ Bucket: store.bucket, Delete }));
      const answer = await saidTo(deleting);
      if (answer !== '200') return answer;
      return `${(await deleting).Deleted?.length} deleted, ${(await list(store, { Prefix: folder })).length} left`;
    },
  },
  'a copy, with other metadata': {
    s3: '200: copied, b',
    async ask(store) {
      const source = newKey();
      const Key = newKey('copy of 中文 + %');
      const Metadata = { name: 'b' };
      await store.put(source, 'copied');
      const answer = await saidTo(
        store.s3.send(
          new CopyObjectCommand({
            ...{ Bucket: store.bucket, Key, CopySource: `${store.bucket}/${source}` },
            ...{ Metadata, MetadataDirective: 'REPLACE' as const },
          }),
        ),
      );
      const head = await store.s3.send(new HeadObjectCommand({ Bucket: store.bucket, Key }));
      return `${answer}: ${await store.get(Key)}, ${head.Metadata?.['name']}`;
    },
  },
  'a copy with x-amz-copy-source-if-match of another version': {
    s3: '412 PreconditionFailed',
    async ask(store) {
      const source = newKey();
      await store.put(source, 'x');
      const copy = { Bucket: store.bucket, Key: newKey(), CopySource: `${store.bucket}/${source}` };
      return saidTo(store.s3.send(new CopyObjectCommand({ ...copy, CopySourceIfMatch: '"0"' })));
    },
  },
  'odd names, listed': {
    s3: ODD_NAMES.join(' | '),
    async ask(store) {
      const folder = newKey('');
      for (const name of [...ODD_NAMES].reverse()) await store.put(folder + name, name);
      const names = (await list(store, { Prefix: folder })).map((key) => key.slice(folder.length));
      for (const name of names) if (String(await store.get(folder + name)) !== name) return `${name} is another's`;
      return names.join(' | ');
    },
  },
  'a listing of five in pages of two': {
    s3: 'a b, c d, e',
    async ask(store) {
      const folder = newKey('');
      for (const name of ['a', 'b', 'c', 'd', 'e']) await store.put(folder + name, '');
      const pages: string[] = [];
      for (let token: string | undefined; ; ) {
        const page = await store.s3.send(
          new ListObjectsV2Command({ Bucket: store.bucket, Prefix: folder, MaxKeys: 2, ContinuationToken: token }),
        );
        pages.push((page.Contents ?? []).map(({ Key = '' }) => Key.slice(folder.length)).join(' '));
        token = page.NextContinuationToken;
        if (token === undefined || pages.length > 5) return pages.join(', ');
      }
    },
  },
  'a listing by delimiter': {
    s3: 'folders 中/ a/, files b',
    async ask(store) {
      const folder = newKey('');
      for (const name of ['a/1', 'a/2', 'b', '中/1']) await store.put(folder + name, '');
      const command = new ListObjectsV2Command({ Bucket: store.bucket, Prefix: folder, Delimiter: '/' });
      const { CommonPrefixes = [], Contents = [] } = await store.s3.send(command);
      const folders = CommonPrefixes.map(({ Prefix = '' }) => Prefix.slice(folder.length))
        .sort()
        .reverse();
      return `folders ${folders.join(' ')}, files ${Contents.map(({ Key = '' }) => Key.slice(folder.length)).join(' ')}`;
    },
  },
  'a listing that starts after a key': {
    s3: 'c',
    async ask(store) {
      const folder = newKey('');
      for (const name of ['a', 'b', 'c']) await store.put(folder + name, '');
      const keys = await list(store, { Prefix: folder, StartAfter: `${folder}b` });
      return keys.map((key) => key.slice(folder.length)).join(' ');
    },
  },
  'a listing of at most no keys': {
    s3: '0, not truncated',
    async ask(store) {
      const answer = await store.s3.send(new ListObjectsV2Command({ Bucket: store.bucket, MaxKeys: 0 }));
      return `${answer.Contents?.length ?? 0}, ${answer.IsTruncated ? 'truncated' : 'not truncated'}`;
    },
  },
};

async function list(store: Store, query: { readonly Prefix: string; readonly StartAfter?: string }): Promise<string[]> {
  const { Contents = [] } = await store.s3.send(new ListObjectsV2Command({ Bucket: store.bucket, ...query }));
  return Contents.map(({ Key = '' }) => Key);
}

function range(header: string, s3: string): Check {
  return {
    s3,
    async ask(store) {
      const { status, code, headers, text } = await getWith(store, { range: header });
      if (code !== undefined) return `${status} ${code}`;
      return `${[status, headers['content-range']].filter(Boolean).join(' ')}: ${text}`;
    },
  };
}

/** Of the letters a to j. */
async function getWith(store: Store, headers: Record<string, string>) {
  const key = newKey();
  await store.put(key, 'abcdefghij');
  return send(await store.sign(store.url(key), { headers }));
}
