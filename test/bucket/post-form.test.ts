import { createHash, createHmac } from 'node:crypto';
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, BUCKET, CREDENTIAL, flip, type Harness, REGION, send, startHarness } from './support.ts';

let harness: Harness;
let aheadMs = 0;
const now = () => Date.now() + aheadMs;
const events: any[] = [];

beforeAll(async () => {
  harness = await startHarness({ now, onEvent: (event) => events.push(event) });
});
afterAll(() => harness.stop());

type Condition = Readonly<Record<string, string>> | readonly (string | number)[];

interface FormOptions {
  readonly key?: string;
  /** On top of the key, the bucket and the signature's own. */
  readonly conditions?: readonly Condition[];
  /** Instead of those that the conditions name. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly drop?: string;
  readonly expiresMs?: number;
  readonly secret?: string;
  readonly region?: string;
  readonly bucket?: string;
}

/** As S3's documentation has it, by hand: an independent second opinion on the arithmetic. */
function formFields(options: FormOptions = {}): Record<string, string> {
  const { key = 'posted/a.bin', conditions = [], region = REGION, bucket = BUCKET } = options;
  const amzDate = new Date(now()).toISOString().replace(/[:-]|\.\d{3}/g, '');
  const date = amzDate.slice(0, 8);
  const own = {
    key,
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-credential': `${CREDENTIAL.accessKeyId}/${date}/${region}/s3/aws4_request`,
    'x-amz-date': amzDate,
  };
  const policy = Buffer.from(
    JSON.stringify({
      expiration: new Date(now() + (options.expiresMs ?? 60_000)).toISOString(),
      conditions: [{ bucket }, ...Object.entries(own).map(([name, value]) => ({ [name]: value })), ...conditions],
    }),
  ).toString('base64');
  const hmac = (secret: string | Buffer, text: string) => createHmac('sha256', secret).update(text).digest();
  const dateKey = hmac(`AWS4${options.secret ?? CREDENTIAL.secretAccessKey}`, date);
  const signing = hmac(hmac(hmac(dateKey, region), 's3'), 'aws4_request');
  const all: Record<string, string> = {
    ...own,
    ...options.fields,
    policy,
    'x-amz-signature': hmac(signing, policy).toString('hex'),
  };
  if (options.drop !== undefined) delete all[options.drop];
  return all;
}

const BOUNDARY = '----WebKitFormBoundaryAbCdEf0123456789';

function bodyOf(fields: Readonly<Record<string, string>>, file: Buffer | null, after = ''): Buffer {
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const head =
    file === null
      ? ''
      : `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="测试 %22.bin"\r\nContent-Type: video/mp4\r\n\r\n`;
  return Buffer.concat([
    Buffer.from(parts.join('') + head),
    file ?? Buffer.alloc(0),
    Buffer.from(file === null ? `--${BOUNDARY}--\r\n` : `\r\n${after}--${BOUNDARY}--\r\n`),
  ]);
}

function post(body: Buffer | readonly Buffer[], headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const url = new URL(`${harness.server.url}/${BUCKET}`);
  return send(
    { method: 'POST', url, headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, ...headers } },
    body as Buffer,
  );
}

const postForm = (options: FormOptions, file = Buffer.from('hello')) => post(bodyOf(formFields(options), file));

async function contentOf(key: string): Promise<Buffer> {
  const { Body } = await harness.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

async function countOf(prefix: string): Promise<number> {
  return (await harness.s3.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: prefix }))).KeyCount ?? 0;
}

describe('a signed form', () => {
  it.each([0, 1, 5, 70_001, 3 * 1024 * 1024 + 7])('puts a file of %d bytes', async (sizeBytes) => {
    const key = `posted/${sizeBytes}.bin`;
    const file = Buffer.alloc(sizeBytes, `\r\n--${BOUNDARY.slice(0, -1)}`);
    const answer = await postForm({ key }, file);
    expect(answer.status).toBe(204);
    expect(answer.headers.etag).toBe(`"${createHash('md5').update(file).digest('hex')}"`);
    expect(await contentOf(key)).toEqual(file);
  });

  it('may come in pieces of any size', async () => {
    const file = Buffer.from(`a\r\n--${BOUNDARY}x`.replace(BOUNDARY, BOUNDARY.slice(0, -2)));
    const body = bodyOf(formFields({ key: 'posted/pieces.bin' }), file);
    const pieces = Array.from({ length: Math.ceil(body.length / 3) }, (_, i) => body.subarray(3 * i, 3 * i + 3));
    const answer = await post(pieces, { 'content-length': String(body.length) });
    expect(answer.status).toBe(204);
    expect(await contentOf('posted/pieces.bin')).toEqual(file);
  });

  it('is told of by an event, and answered as it asks', async () => {
    const fields = { success_action_status: '201', 'Content-Type': 'video/mp4', 'x-amz-meta-who': 'me' };
    const conditions = Object.entries(fields).map(([name, value]) => ({ [name]: value }));
    const key = '收件 箱/測+試.mp4';
    const answer = await postForm({ key, fields, conditions });
    expect(answer.status).toBe(201);
    expect(answer.text).toContain(`<Key>${key}</Key>`);
    expect(decodeURIComponent(new URL(String(answer.headers['location'])).pathname)).toBe(`/${BUCKET}/${key}`);
    const head = await harness.s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: key }));
    expect(head).toMatchObject({ ContentType: 'video/mp4', Metadata: { who: 'me' } });
    const [record] = events.at(-1).Records;
    expect(record.eventName).toBe('ObjectCreated:Post');
    expect(decodeURIComponent(record.s3.object.key.replaceAll('+', ' '))).toBe(key);
  });

  it('is answered with CORS headers that let a page read ETag and Location, refused or not', async () => {
    const headers = { origin: 'http://localhost:8000' };
    for (const options of [{}, { secret: 'another' }]) {
      const answer = await post(bodyOf(formFields(options), Buffer.from('x')), headers);
      expect(answer.headers['access-control-allow-origin']).toBe('http://localhost:8000');
      expect(answer.headers['access-control-expose-headers']).toMatch(/ETag.*Location/);
    }
  });

  it('takes a range of sizes and beginnings', async () => {
    const conditions: Condition[] = [
      ['content-length-range', 3, 5],
      ['starts-with', '$Content-Type', 'image/'],
    ];
    const fields = { 'Content-Type': 'image/png' };
    expect((await postForm({ conditions, fields }, Buffer.from('123'))).status).toBe(204);
    expect((await postForm({ conditions, fields }, Buffer.from('12345'))).status).toBe(204);
  });
});

describe('a form is refused, and leaves nothing,', () => {
  const refused: [string, FormOptions, number, string][] = [
    ['signed with another secret', { secret: 'another' }, 403, 'SignatureDoesNotMatch'],
    ['without a signature', { drop: 'x-amz-signature' }, 403, 'AccessDenied'],
    ['without a policy', { drop: 'policy' }, 403, 'AccessDenied'],
    ['without a key', { drop: 'key' }, 403, 'AccessDenied'],
    ['past its time', { expiresMs: -1 }, 403, 'AccessDenied'],
    ['for another region', { region: 'eu-west-1' }, 400, 'InvalidArgument'],
    ['for another bucket', { bucket: 'other' }, 403, 'AccessDenied'],
    ['with another key', { fields: { key: 'refused/other.bin' } }, 403, 'AccessDenied'],
    ['with a field that the policy does not name', { fields: { 'x-amz-meta-a': 'b' } }, 403, 'AccessDenied'],
    ['lacking a field that the policy names', { conditions: [{ 'Content-Type': 'a/b' }] }, 403, 'AccessDenied'],
    ['with another beginning', { conditions: [['starts-with', '$key', 'elsewhere/']] }, 403, 'AccessDenied'],
    ['with too large a file', { conditions: [['content-length-range', 0, 4]] }, 400, 'EntityTooLarge'],
    ['with too small a file', { conditions: [['content-length-range', 6, 9]] }, 400, 'EntityTooSmall'],
    ['with a condition that is none', { conditions: [['like', '$key', 'a']] }, 400, 'InvalidPolicyDocument'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: S3's own placeholder.
    ['with a placeholder in its key', { key: 'refused/${filename}' }, 501, 'NotImplemented'],
    [
      'with a redirect',
      { fields: { redirect: 'http://a' }, conditions: [{ redirect: 'http://a' }] },
      501,
      'NotImplemented',
    ],
    ['open to the world', { fields: { acl: 'public-read' }, conditions: [{ acl: 'public-read' }] }, 400, 'Access'],
  ];
  it.each(refused)('%s', async (_, options, status, code) => {
    const answer = await postForm({ key: 'refused/a.bin', ...options });
    expect(answer.code).toContain(code);
    expect(answer.status).toBe(status);
    expect(await countOf('refused/')).toBe(0);
  });

  it('with a tampered policy or signature', async () => {
    const fields = formFields({ key: 'refused/b.bin' });
    const { policy = '', 'x-amz-signature': signature = '' } = fields;
    const wider = Buffer.from(Buffer.from(policy, 'base64').toString().replace('refused/b', 'refused/c')).toString(
      'base64',
    );
    for (const change of [{ policy: wider, key: 'refused/c.bin' }, { 'x-amz-signature': flip(signature) }]) {
      const answer = await post(bodyOf({ ...fields, ...change }, Buffer.from('x')));
      expect(answer.code).toBe('SignatureDoesNotMatch');
    }
    expect(await countOf('refused/')).toBe(0);
  });

  it('a week and a day after it was signed, however long its policy', async () => {
    const body = bodyOf(formFields({ key: 'refused/d.bin', expiresMs: 30 * 24 * 3600_000 }), Buffer.from('x'));
    aheadMs = 8 * 24 * 3600_000;
    const answer = await post(body);
    aheadMs = 0;
    expect([answer.status, answer.code]).toEqual([403, 'AccessDenied']);
  });

  const fields = () => formFields({ key: 'refused/e.bin' });
  it.each<[string, () => Buffer, string]>([
    ['without a file', () => bodyOf(fields(), null), 'MalformedPOSTRequest'],
    [
      'with a field behind the file',
      () =>
        bodyOf(
          fields(),
          Buffer.from('x'),
          `--${BOUNDARY}\r\nContent-Disposition: form-data; name="key"\r\n\r\nrefused/f.bin\r\n`,
        ),
      'MalformedPOSTRequest',
    ],
    [
      'with bytes behind its end',
      () => Buffer.concat([bodyOf(fields(), Buffer.from('x')), Buffer.from('more')]),
      'Malf',
    ],
    [
      'with bytes before its beginning',
      () => Buffer.concat([Buffer.from('x'), bodyOf(fields(), Buffer.from('x'))]),
      'M',
    ],
    ['cut short', () => bodyOf(fields(), Buffer.from('x')).subarray(0, -8), 'IncompleteBody'],
    [
      'with fields beyond 20 KiB',
      () => bodyOf({ 'x-ignore-a': 'a'.repeat(21_000), ...fields() }, Buffer.from('x')),
      'MaxPost',
    ],
    [
      'with a field given twice',
      () => Buffer.from(bodyOf(fields(), Buffer.from('x')).toString().replace('name="policy"', 'name="KEY"')),
      'MalformedPOSTRequest',
    ],
  ])('%s', async (_, body, code) => {
    const answer = await post(body());
    expect(answer.status).toBe(400);
    expect(answer.code).toContain(code);
    expect(await countOf('refused/')).toBe(0);
  });

  it('without a length', async () => {
    const answer = await post([bodyOf(fields(), Buffer.from('x'))], { 'transfer-encoding': 'chunked' });
    expect([answer.status, answer.code]).toEqual([411, 'MissingContentLength']);
  });
});
