/** The fake OSS against what others say of OSS: published signatures, and ali-oss's own requests by both versions. */
import { createHash } from 'node:crypto';
import OSS from 'ali-oss';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesOf } from '../../contract/push-rig.ts';
import { type FakeOss, startFakeOss } from '../../fakes/oss/server.ts';
import { type SignedRequest, signV1, signV4 } from '../../fakes/oss/signature.ts';

const OBJECT = '0123456789abcdef0123456789abcdef01234567';
const DATE = 'Tue, 14 Nov 2023 22:13:20 GMT';
const VARIABLES = { pick_code: 'a1b2c3', user_id: '100000001', behavior_type: '0', source: '5', target: 'U_1_0' };
const CALLBACK = {
  'x-oss-callback': base64(
    JSON.stringify({
      callbackUrl: 'http://uplb.115.com/3.0/completeupload.php',
      callbackBody: [
        ...['bucket', 'object', 'size', 'sha1'].map((name) => `${name}=$\{${name}}`),
        ...Object.keys(VARIABLES).map((name) => `${name}=$\{x:${name}}`),
      ].join('&'),
    }),
  ),
  'x-oss-callback-var': base64(
    JSON.stringify(Object.fromEntries(Object.entries(VARIABLES).map(([name, value]) => [`x:${name}`, value]))),
  ),
};

describe('published signatures', () => {
  const octets = 'application/octet-stream';
  it.each([
    ['POST', '?sequential&uploads', octets, {}, 'cWr+vCp6DQHRHiv7qpFH7IKaIzg='],
    ['POST', '?sequential=1&uploads=1', '', {}, 'NWPdbXXldQAAE5WgIg45yNDS0YQ='],
    ['PUT', '?partNumber=1&uploadId=UPLOADID0123456789ABCDEF', octets, {}, 'S6EmAvtZpF3mk/dyb03WLF5DrCc='],
    ['GET', '?uploadId=UPLOADID0123456789ABCDEF&max-parts=1000', '', {}, 'AHmzzCMKPzeWRlwyWV3q2QGM4r4='],
    ['POST', '?uploadId=UPLOADID0123456789ABCDEF', 'application/xml', CALLBACK, 'Qy5F4fosvvf2v4cRyoSSWO9VPQY='],
    ['DELETE', '?uploadId=UPLOADID0123456789ABCDEF', '', {}, 'WHUr5dovKKN1lxxtY278UhjDkXs='],
    ['PUT', '', octets, CALLBACK, 'PoMOKQMrVWsc4bOODRaxs4ejbeQ='],
  ])('V1 of %s %s', (method, search, type, more, signature) => {
    const headers = { 'content-type': type, 'x-oss-security-token': 'CAISTESTTOKEN', ...more };
    expect(signV1('TESTSECRET', request('fhnfile', OBJECT, method, search, headers), DATE)).toBe(signature);
  });

  it('V1 of the sample in the documents', () => {
    const headers = {
      'content-md5': 'ODBGOERFMDMzQTczRUY3NUE3NzA5QzdFNUYzMDQxNEM=',
      'content-type': 'text/html',
      'x-oss-magic': 'abracadabra',
      'x-oss-meta-author': 'foo@bar.com',
    };
    const signed = request('oss-example', 'nelson', 'PUT', '', headers);
    expect(signV1('OtxrzxIsfpFjA7SwPzILwy8Bw21TLhquhboDYROV', signed, 'Thu, 17 Nov 2005 18:49:58 GMT')).toBe(
      '26NBxoKdsyly4EDv6inkoDft/yA=',
    );
  });

  it.each([
    ['POST', '?sequential&uploads', octets, '162e976f5b4a2779c82dcafbb8256e59d5fc598699765b0bbaf15bf2f9a0ecd5'],
    [
      'PUT',
      '?partNumber=1&uploadId=UPLOADID0123456789ABCDEF',
      octets,
      '1a8b514cc2b6b4865e6fb216b60a22c27d0e71cdd0e1c1ab89868d557bc53536',
    ],
    [
      'GET',
      '?uploadId=UPLOADID0123456789ABCDEF&max-parts=1000',
      '',
      '1d4357b0690e59e582f87f024eaa211ca5c93cb09028ab3d9ab280f3e594e14a',
    ],
  ])('V4 of %s %s', (method, search, type, signature) => {
    const headers = {
      ...(type === '' ? {} : { 'content-type': type }),
      'x-oss-security-token': 'CAISTESTTOKEN',
      'x-oss-date': '20231114T221320Z',
      'x-oss-content-sha256': 'UNSIGNED-PAYLOAD',
    };
    const scope = { date: '20231114T221320Z', region: 'cn-shenzhen', additional: [] };
    expect(signV4('TESTSECRET', request('fhnfile', OBJECT, method, search, headers), scope)).toBe(signature);
  });
});

describe.each(['V1', 'V4'] as const)('ali-oss by %s', (version) => {
  const plain = { accessKeyId: 'LTAI5tEXAMPLE', accessKeySecret: 'a secret' };
  const temporary = { accessKeyId: 'STS.EXAMPLE', accessKeySecret: 'another secret', stsToken: 'CAIS+/token==' };
  let fake: FakeOss;

  beforeEach(async () => {
    fake = await startFakeOss({ keys: [plain, temporary] });
  });
  afterEach(() => fake.close());

  it.each([
    ['plain', plain],
    ['temporary', temporary],
  ])('may put, read, list and delete with %s keys', async (_, keys) => {
    const client = clientWith(keys);
    const name = '影 片/a+b&c=d (1).txt';
    const put = await client.put(name, Buffer.from('hello'));
    expect(put.res.headers).toMatchObject({ 'x-oss-hash-crc64ecma': String(fake.store.crc64(Buffer.from('hello'))) });
    expect(String((await client.get(name)).content)).toBe('hello');
    const { objects } = await client.listV2({ prefix: '影 片/', 'max-keys': '5' }, {});
    expect(objects).toMatchObject([{ name, size: 5 }]);
    await client.delete(name);
    await expect(client.head(name)).rejects.toMatchObject({ code: 'NoSuchKey' });
  });

  it('may upload in parts, list and complete them', async () => {
    const bytes = Buffer.from(bytesOf(250_000));
    const client = clientWith(temporary);
    const { uploadId } = await client.initMultipartUpload('a.bin');
    const parts: { number: number; etag: string }[] = [];
    for (const number of [1, 2, 3]) {
      const [start, end] = [(number - 1) * 102_400, Math.min(number * 102_400, bytes.length)];
      // Its types know browsers' files only.
      const { etag } = (await client.uploadPart('a.bin', uploadId, number, bytes as never, start, end)) as {
        etag: string;
      };
      expect(etag).toBe(`"${createHash('md5').update(bytes.subarray(start, end)).digest('hex').toUpperCase()}"`);
      parts.push({ number, etag });
    }
    expect(
      (await client.listParts('a.bin', uploadId, { 'max-parts': 2, 'part-number-marker': 0 } as never)).parts,
    ).toHaveLength(2);
    await client.completeMultipartUpload('a.bin', uploadId, parts);
    expect(fake.store.objects.get('a.bin')?.bytes).toEqual(bytes);
  });

  it('is refused with another secret, an unknown key, a wrong token and a wrong clock', async () => {
    const refused = (keys: object, code: string) =>
      expect(clientWith({ ...temporary, ...keys }).put('a', Buffer.from('a'))).rejects.toMatchObject({
        status: 403,
        code,
      });
    await refused({ accessKeySecret: 'wrong' }, 'SignatureDoesNotMatch');
    await refused({ accessKeyId: 'nobody' }, 'InvalidAccessKeyId');
    await refused({ stsToken: 'CAISother' }, 'InvalidSecurityToken');
    fake.keys.set(temporary.accessKeyId, { ...temporary, state: 'expired' });
    await refused({}, 'SecurityTokenExpired');
    fake.keys.set(temporary.accessKeyId, { ...temporary, state: 'forgotten' });
    await refused({}, 'InvalidAccessKeyId');
    await fake.close();
    fake = await startFakeOss({ keys: [temporary], now: () => Date.now() + 16 * 60_000 });
    await refused({}, 'RequestTimeTooSkewed');
    expect(fake.store.objects.size).toBe(0);
  });

  it('may hand out URLs, which hold for what was signed alone', async () => {
    const client = clientWith(temporary);
    const url =
      version === 'V4'
        ? await client.signatureUrlV4('PUT', 60, { headers: { 'content-type': 'text/plain' } }, 'b/c d.txt')
        : client.signatureUrl('b/c d.txt', { method: 'PUT', expires: 60, 'Content-Type': 'text/plain' });
    const put = async (to: string, type: string) =>
      (await fetch(to, { method: 'PUT', headers: { 'content-type': type }, body: 'x' })).status;
    expect(await put(url, 'text/html')).toBe(403);
    expect(await put(url.replace('c%20d', 'c%20e'), 'text/plain')).toBe(403);
    expect(await put(url, 'text/plain')).toBe(200);
    expect(String(fake.store.objects.get('b/c d.txt')?.bytes)).toBe('x');
  });

  function clientWith(keys: { accessKeyId: string; accessKeySecret: string; stsToken?: string }): OSS {
    const options = {
      ...keys,
      // Its own signing of URLs refuses a bare address.
      endpoint: fake.endpoint.replace('127.0.0.1', 'localhost'),
      region: 'oss-cn-hangzhou',
      bucket: fake.bucket,
      authorizationV4: version === 'V4',
      sldEnable: true,
      refreshSTSTokenInterval: 1,
    };
    return new OSS(options);
  }
});

function request(
  bucket: string,
  key: string,
  method: string,
  search: string,
  headers: Record<string, string>,
): SignedRequest {
  return { method, bucket, key, query: new URLSearchParams(search), headers };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
