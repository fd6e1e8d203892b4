/**
 * Presigned URLs by OSS's V4 signature. Made here and not by ali-oss, whose own reads the machine's clock and costs a tenth of a
 * second to load in a function that does nothing else.
 */

import { uriPath } from '../uri.ts';
import type { OssCredentials } from './credentials.ts';
import { ALGORITHM, ALWAYS_SIGNED, byName, canonicalQuery, scopeAt, signatureOf, signed } from './v4.ts';

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
  const scope = scopeAt(presigning.signedAtMs, region);
  const query = canonicalQuery({
    ...presigning.query,
    ...(additional.length === 0 ? {} : { 'x-oss-additional-headers': additional.join(';') }),
    'x-oss-credential': `${keys.accessKeyId}/${scope.scope}`,
    'x-oss-date': scope.date,
    'x-oss-expires': String(presigning.ttlSeconds),
    ...(keys.stsToken === undefined ? {} : { 'x-oss-security-token': keys.stsToken }),
    'x-oss-signature-version': ALGORITHM,
  });
  const canonical = [
    method,
    uriPath(`/${bucket}/${key}`),
    query,
    headers.map(([name, value]) => `${name}:${value}\n`).join(''),
    additional.join(';'),
    'UNSIGNED-PAYLOAD',
  ].join('\n');
  const signature = signatureOf(canonical, scope, keys.accessKeySecret);
  return `${bucketAddress(presigning)}${uriPath(`/${key}`)}?${query}&x-oss-signature=${signature}`;
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
  const signature = signed(policy, scope, keys.accessKeySecret);
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
