/** What a Worker sends to OSS and reads of it is what ali-oss would. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { libraryWith as theirs } from '../node/oss-library.ts';
import type { LibraryRequest, LibraryWith, OssPlace } from '../oss/library.ts';
import { libraryWith as ours } from './oss-library.ts';

const PLACE: OssPlace = { endpoint: 'https://oss-cn-hangzhou.aliyuncs.com', region: 'cn-hangzhou', bucket: 'staging' };
const KEYS = { accessKeyId: 'LTAI5tEXAMPLE', accessKeySecret: 'a secret' };
const PART: LibraryRequest = {
  method: 'PUT',
  bucket: 'staging',
  object: "影 片/a+b&c=d (1)'*!~ .mp4",
  subres: { partNumber: '1', uploadId: '0004B9/+ é' },
  headers: { 'content-type': 'video/mp4', 'x-oss-meta-a': ' b ', 'if-match': '"x"' },
  xmlResponse: false,
  successStatuses: [200],
};

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 10, 22, 1, 2, 3) }));
afterEach(() => void vi.useRealTimers());

describe('a request is addressed and signed as ali-oss does it', () => {
  const text = { content: '<a>é</a>', headers: { 'content-type': 'application/xml' } };
  it.each<[string, LibraryRequest, OssPlace, object]>([
    ['of a part', PART, PLACE, {}],
    ['with temporary keys', PART, PLACE, { stsToken: 'CAIS+/token==' }],
    ['with the bucket in the path', PART, { ...PLACE, forcePathStyle: true }, {}],
    ['at a port', PART, { ...PLACE, endpoint: 'http://oss.example:9000', forcePathStyle: true }, {}],
    ['with a text', { ...PART, ...text, method: 'POST', subres: { uploads: '', sequential: '' } }, PLACE, {}],
    [
      'of the bucket',
      { ...PART, method: 'GET', object: undefined, subres: { 'list-type': '2', prefix: 'a/影' } },
      PLACE,
      {},
    ],
    [
      'with nothing to name',
      { ...PART, method: 'HEAD', subres: undefined, headers: { 'content-type': 'x/y' } },
      PLACE,
      {},
    ],
  ])('%s', async (_, request, place, more) => {
    const sent = await sentBy(ours, request, place, { ...KEYS, ...more });
    expect(sent).toEqual(await sentBy(theirs, request, place, { ...KEYS, ...more }));
    expect(sent.headers['authorization']).toMatch(/^OSS4-HMAC-SHA256 Credential=/);
  });
});

describe('an answer is read as ali-oss reads it', () => {
  it.each([
    '<?xml version="1.0" encoding="UTF-8"?>\n<R>\n  <A>1</A>\n  <B> two </B>\n  <C/>\n  <D></D>\n</R>',
    '<R><P><N>1</N></P><P><N>2</N></P><P><N>3</N></P></R>',
    '<R><!-- not <A> --><A>&lt;&amp;&gt;&quot;&apos;&#25968;&#x5B57;</A><B><![CDATA[a<b>&amp;]]></B></R>',
    '<R/>',
  ])('%j', async (xml) => {
    expect(await readBy(ours, 200, xml)).toEqual(await readBy(theirs, 200, xml));
  });

  it('but for attributes, which nobody asks for', async () => {
    const xml = '<R xmlns="http://doc.oss-cn-hangzhou.aliyuncs.com" a=\'b>\'><A x="y">影片</A></R>';
    expect(await readBy(ours, 200, xml)).toEqual({ A: '影片' });
  });

  it.each([
    [403, '<Error><Code>AccessDenied</Code><Message>no</Message><RequestId>5F</RequestId></Error>'],
    [404, ''],
    [412, ''],
  ])('HTTP %i %j', async (status, xml) => {
    const refusal = await readBy(ours, status, xml).catch((error: unknown) => error);
    const other = await readBy(theirs, status, xml).catch((error: unknown) => error);
    for (const field of ['code', 'requestId']) {
      expect(Reflect.get(Object(refusal), field)).toBe(Reflect.get(Object(other), field));
    }
  });

  it.each(['<R><A></R>', '<R>', 'R', '<R></R><S></S>', '<R>&nbsp;</R>', `${'<a>'.repeat(40)}${'</a>'.repeat(40)}`])(
    'and refused: %s',
    async (xml) => {
      await expect(readBy(ours, 200, xml)).rejects.toThrow();
    },
  );
});

async function sentBy(libraryWith: LibraryWith, request: LibraryRequest, place: OssPlace, keys: typeof KEYS) {
  let sent: { readonly address: object; readonly headers: Readonly<Record<string, unknown>> } | undefined;
  const library = await libraryWith(place, keys, {
    request: async (url, { headers }) => {
      // ali-oss says besides who it is; the runtime says how long a text is.
      const { 'User-Agent': _, 'Content-Length': __, ...signed } = headers;
      sent = { address: decoded(url), headers: lowerCase(signed) };
      return { status: 200, headers: {}, data: Buffer.alloc(0), stream: null };
    },
  });
  await library.request(request);
  if (sent === undefined) throw new Error('nothing was sent');
  return sent;
}

async function readBy(libraryWith: LibraryWith, status: number, xml: string): Promise<unknown> {
  const library = await libraryWith(PLACE, KEYS, {
    request: async () => ({ status, headers: { 'x-oss-request-id': '6A' }, data: Buffer.from(xml), stream: null }),
  });
  return (await library.request({ ...PART, xmlResponse: true })).data;
}

/** Which signs stand for themselves in a path differs, and means nothing. */
function decoded(url: string): object {
  const { origin, pathname, searchParams } = new URL(url);
  return { origin, path: decodeURIComponent(pathname), query: Object.fromEntries(searchParams) };
}

function lowerCase(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
