/**
 * Presigned URLs by OSS's V4 signature. Made here and not by ali-oss, whose own reads the machine's clock and costs a tenth of a
 * second to load in a function that does nothing else.
 */
import { createHash, createHmac } from 'node:crypto';
import type { OssCredentials } from './credentials.ts';

export interface Presigning {
  readonly method: 'GET' | 'PUT' | 'HEAD' | 'DELETE';
  /** `https://host[:port]` of the endpoint, or of a name that is bound to the bucket. */
  readonly endpoint: string;
  /** Where the bucket goes; `nowhere`: the endpoint's name is bound to it. */
  readonly bucketIn: 'host' | 'path' | 'nowhere';
  readonly region: string;
  readonly bucket: string;
  readonly key: string;
  readonly keys: OssCredentials;
  /** Signed and to be sent exactly so: `content-type`, `content-md5` and `x-oss-…`; every other one is named in the URL too. */
  readonly headers: Readonly<Record<string, string>>;
  /** `response-content-disposition` and its like. */
  readonly query?: Readonly<Record<string, string>>;
  /** Epoch milliseconds; OSS takes a URL from a quarter of an hour before it. */
  readonly signedAtMs: number;
  /** 1 to 604,800. */
  readonly ttlSeconds: number;
}

export function presignedUrl(presigning: Presigning): string {
  const { region, bucket, key, keys, method } = presigning;
  const headers = Object.entries(presigning.headers).sort(byName);
  const additional = headers.map(([name]) => name).filter((name) => !ALWAYS_SIGNED.test(name));
  const { date, scope } = scopeAt(presigning.signedAtMs, region);
  const query = Object.entries({
    ...presigning.query,
    ...(additional.length === 0 ? {} : { 'x-oss-additional-headers': additional.join(';') }),
    'x-oss-credential': `${keys.accessKeyId}/${scope}`,
    'x-oss-date': date,
    'x-oss-expires': String(presigning.ttlSeconds),
    ...(keys.stsToken === undefined ? {} : { 'x-oss-security-token': keys.stsToken }),
    'x-oss-signature-version': ALGORITHM,
  })
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(byName)
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
    .join('&');
  const canonical = [
    method,
    encodePath(`/${bucket}/${key}`),
    query,
    headers.map(([name, value]) => `${name}:${value}\n`).join(''),
    additional.join(';'),
    'UNSIGNED-PAYLOAD',
  ].join('\n');
  const hashed = createHash('sha256').update(canonical).digest('hex');
  const signature = hmac(
    signingKey(keys.accessKeySecret, scope),
    `${ALGORITHM}\n${date}\n${scope}\n${hashed}`,
  ).toString('hex');
  return `${bucketAddress(presigning)}${encodePath(`/${key}`)}?${query}&x-oss-signature=${signature}`;
}

/** What an HTML form carries in place of a signed URL. */
export interface FormSigning {
  readonly region: string;
  readonly bucket: string;
  readonly keys: OssCredentials;
  /** Fields that the form must carry to the letter. */
  readonly fields: Readonly<Record<string, string>>;
  /** Of the file; both inclusive. */
  readonly sizeBytesMin: number;
  readonly sizeBytesMax: number;
  /** Epoch milliseconds. */
  readonly signedAtMs: number;
  /** 1 to 604,800. */
  readonly ttlSeconds: number;
}

/** All fields of the form, but for the file, which comes last. */
export function signedForm(form: FormSigning): Readonly<Record<string, string>> {
  const { region, bucket, keys, signedAtMs, ttlSeconds, sizeBytesMin, sizeBytesMax } = form;
  const { date, scope } = scopeAt(signedAtMs, region);
  const signing = {
    'x-oss-signature-version': ALGORITHM,
    'x-oss-credential': `${keys.accessKeyId}/${scope}`,
    'x-oss-date': date,
    ...(keys.stsToken === undefined ? {} : { 'x-oss-security-token': keys.stsToken }),
  };
  const document = {
    expiration: new Date(signedAtMs + ttlSeconds * 1000).toISOString(),
    conditions: [
      { bucket },
      ...Object.entries(signing).map(([name, value]) => ({ [name]: value })),
      ...Object.entries(form.fields).map(([name, value]) => ['eq', `$${name}`, value]),
      ['content-length-range', sizeBytesMin, sizeBytesMax],
    ],
  };
  const policy = Buffer.from(JSON.stringify(document)).toString('base64');
  const signature = hmac(signingKey(keys.accessKeySecret, scope), policy).toString('hex');
  return { ...form.fields, ...signing, policy, 'x-oss-signature': signature };
}

/** Where a bucket is reached, without a slash at its end. */
export function bucketAddress({
  endpoint,
  bucketIn,
  bucket,
}: Pick<Presigning, 'endpoint' | 'bucketIn' | 'bucket'>): string {
  const { protocol, host } = new URL(endpoint);
  if (bucketIn === 'host') return `${protocol}//${bucket}.${host}`;
  return `${protocol}//${host}${bucketIn === 'path' ? `/${bucket}` : ''}`;
}

const ALGORITHM = 'OSS4-HMAC-SHA256';
/** The store signs these wherever they stand; naming them in the URL is an error. */
const ALWAYS_SIGNED = /^(?:content-type|content-md5|x-oss-.*)$/;

/** `20231114T221320Z`, and what the signature is good for. */
function scopeAt(signedAtMs: number, region: string): { readonly date: string; readonly scope: string } {
  const date = new Date(signedAtMs).toISOString().replace(/[:-]|\.\d{3}/g, '');
  return { date, scope: `${date.slice(0, 8)}/${region}/oss/aliyun_v4_request` };
}

function signingKey(secret: string, scope: string): Buffer {
  return scope.split('/').reduce<Buffer>((key, step) => hmac(key, step), Buffer.from(`aliyun_v4${secret}`));
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function encodePath(path: string): string {
  return path.split('/').map(encode).join('/');
}

/** RFC 3986: what encodeURIComponent leaves out as well. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}
