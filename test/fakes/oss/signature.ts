/**
 * The signatures of OSS, verified as its documents have them: V1 (HMAC-SHA1) and V4 (HMAC-SHA256), each in a header or in the
 * query. Written from the facts and checked against published vectors, not against a client.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { refuse } from './refusal.ts';

export interface Key {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly stsToken?: string;
  /** `expired`: its time is over · `forgotten`: so long over that not even the id is known any more. */
  readonly state?: 'good' | 'expired' | 'forgotten';
}

export interface SignedRequest {
  readonly method: string;
  readonly bucket: string;
  /** Decoded; empty for requests to the bucket. */
  readonly key: string;
  /** Decoded, in the order of the request. */
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

export interface Verifier {
  readonly region: string;
  readonly keys: ReadonlyMap<string, Key>;
  readonly now: () => number;
}

const SKEW_MAX_MS = 15 * 60_000;
const URL_LIFE_MAX_SECONDS = 604_800;

/** The parameters that V1 signs as part of the resource; every other one is not signed at all. */
const SUBRESOURCES = new Set([
  ...['acl', 'append', 'callback', 'callback-var', 'continuation-token', 'delete', 'location', 'objectMeta'],
  ...['partNumber', 'position', 'restore', 'security-token', 'sequential', 'symlink', 'tagging', 'uploadId', 'uploads'],
  ...['versionId', 'x-oss-process', 'x-oss-traffic-limit', 'response-content-type', 'response-content-disposition'],
  ...['response-content-language', 'response-expires', 'response-cache-control', 'response-content-encoding'],
]);

/** Throws the refusal that OSS would give. */
export function verify(request: SignedRequest, verifier: Verifier): void {
  const authorization = request.headers.authorization ?? '';
  if (authorization.startsWith('OSS4-HMAC-SHA256 ')) verifyV4Header(request, verifier, authorization);
  else if (authorization.startsWith('OSS ')) verifyV1Header(request, verifier, authorization);
  else if (request.query.has('x-oss-signature')) verifyV4Url(request, verifier);
  else if (request.query.has('Signature')) verifyV1Url(request, verifier);
  else refuse(403, 'AccessDenied', 'You have no right to access this object because of bucket acl.');
}

export function signV1(secret: string, request: SignedRequest, date: string): string {
  const resource = `/${request.bucket}/${request.key}`;
  const signed = [...request.query].filter(([name]) => SUBRESOURCES.has(name)).sort(byName);
  const query = signed.map(([name, value]) => (value === '' ? name : `${name}=${value}`)).join('&');
  const lines = [
    request.method,
    text(request.headers, 'content-md5'),
    text(request.headers, 'content-type'),
    date,
    ...ossHeaders(request.headers).map((name) => `${name}:${text(request.headers, name)}`),
    query === '' ? resource : `${resource}?${query}`,
  ];
  return createHmac('sha1', secret).update(lines.join('\n')).digest('base64');
}

export function signV4(
  secret: string,
  request: SignedRequest,
  scope: { readonly date: string; readonly region: string; readonly additional: readonly string[] },
): string {
  const query = [...request.query]
    .filter(([name]) => name !== 'x-oss-signature')
    .map(([name, value]) => [encode(name), encode(value)]);
  const named = new Set(['content-type', 'content-md5', ...ossHeaders(request.headers), ...scope.additional]);
  const headers = [...named].filter((name) => request.headers[name] !== undefined).sort();
  const canonical = [
    request.method,
    encode(`/${request.bucket}/${request.key}`).replaceAll('%2F', '/'),
    query
      .sort(byName)
      .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
      .join('&'),
    headers.map((name) => `${name}:${text(request.headers, name)}\n`).join(''),
    scope.additional.join(';'),
    request.headers['x-oss-content-sha256'] ?? 'UNSIGNED-PAYLOAD',
  ].join('\n');
  const day = scope.date.slice(0, 8);
  const key = keyFor(secret, day, scope.region);
  const toSign = [
    'OSS4-HMAC-SHA256',
    scope.date,
    `${day}/${scope.region}/oss/aliyun_v4_request`,
    createHash('sha256').update(canonical).digest('hex'),
  ].join('\n');
  return createHmac('sha256', key).update(toSign).digest('hex');
}

/** Of V4: for one day and region. */
export function keyFor(secret: string, day: string, region: string): Buffer | string {
  const chain = [day, region, 'oss', 'aliyun_v4_request'];
  return chain.reduce<Buffer | string>(
    (held, step) => createHmac('sha256', held).update(step).digest(),
    `aliyun_v4${secret}`,
  );
}

function verifyV1Header(request: SignedRequest, verifier: Verifier, authorization: string): void {
  const [, id = '', signature = ''] = /^OSS ([^:]+):(.+)$/.exec(authorization) ?? [];
  const date = text(request.headers, 'x-oss-date') || text(request.headers, 'date');
  const key = keyOf(verifier, id, text(request.headers, 'x-oss-security-token'));
  assertFresh(verifier, Date.parse(date));
  assertSame(signV1(key.accessKeySecret, request, date), signature);
}

function verifyV1Url(request: SignedRequest, verifier: Verifier): void {
  const expires = request.query.get('Expires') ?? '';
  const key = keyOf(verifier, request.query.get('OSSAccessKeyId') ?? '', request.query.get('security-token') ?? '');
  if (!(Number(expires) * 1000 > verifier.now())) refuse(403, 'AccessDenied', 'Request has expired.');
  assertSame(signV1(key.accessKeySecret, request, expires), request.query.get('Signature') ?? '');
}

function verifyV4Header(request: SignedRequest, verifier: Verifier, authorization: string): void {
  const part = (name: string) => new RegExp(`[ ,]${name}=([^,]+)`).exec(authorization)?.[1] ?? '';
  const [id = '', ...scope] = part('Credential').split('/');
  const date = text(request.headers, 'x-oss-date');
  const key = keyOf(verifier, id, text(request.headers, 'x-oss-security-token'));
  if (request.headers['x-oss-content-sha256'] !== 'UNSIGNED-PAYLOAD') {
    refuse(400, 'InvalidArgument', 'x-oss-content-sha256 must be UNSIGNED-PAYLOAD.');
  }
  assertFresh(verifier, instantOf(date));
  assertScope(scope, date, verifier.region);
  const additional = additionalOf(request, part('AdditionalHeaders'));
  assertSame(signV4(key.accessKeySecret, request, { date, region: verifier.region, additional }), part('Signature'));
}

function verifyV4Url(request: SignedRequest, verifier: Verifier): void {
  const of = (name: string) => request.query.get(name) ?? '';
  if (of('x-oss-signature-version') !== 'OSS4-HMAC-SHA256')
    refuse(400, 'InvalidArgument', 'Unknown signature version.');
  const [id = '', ...scope] = of('x-oss-credential').split('/');
  const date = of('x-oss-date');
  const key = keyOf(verifier, id, of('x-oss-security-token'));
  const lifeSeconds = Number(of('x-oss-expires'));
  if (!Number.isInteger(lifeSeconds) || lifeSeconds < 1 || lifeSeconds > URL_LIFE_MAX_SECONDS) {
    refuse(400, 'AuthorizationQueryParametersError', 'x-oss-expires must be 1 to 604800.');
  }
  const signedAtMs = instantOf(date);
  if (!(signedAtMs <= verifier.now() + SKEW_MAX_MS)) refuse(403, 'AccessDenied', 'The URL is not valid yet.');
  assertScope(scope, date, verifier.region);
  const additional = additionalOf(request, of('x-oss-additional-headers'));
  assertSame(
    signV4(key.accessKeySecret, request, { date, region: verifier.region, additional }),
    of('x-oss-signature'),
  );
  if (signedAtMs + lifeSeconds * 1000 <= verifier.now()) refuse(403, 'AccessDenied', 'Request has expired.');
}

export function keyOf({ keys }: Verifier, id: string, token: string): Key {
  const key = keys.get(id);
  if (key === undefined || key.state === 'forgotten') {
    refuse(403, 'InvalidAccessKeyId', 'The OSS Access Key Id you provided does not exist in our records.', {
      EC: '0002-00000002',
    });
  }
  if (key.state === 'expired') {
    refuse(403, 'SecurityTokenExpired', 'The security token you provided has expired.', { EC: '0002-00000007' });
  }
  if (token !== (key.stsToken ?? '')) {
    refuse(403, 'InvalidSecurityToken', 'The security token you provided is invalid.', { EC: '0002-00000006' });
  }
  return key;
}

function additionalOf({ headers }: SignedRequest, list: string): readonly string[] {
  const names = list === '' ? [] : list.split(';');
  const isOrdered = names.every((name, at) => at === 0 || (names[at - 1] ?? '') < name);
  if (!isOrdered || names.some((name) => headers[name] === undefined || name !== name.toLowerCase())) {
    refuse(400, 'InvalidArgument', 'An additional header is not in the request, or the list is not in order.');
  }
  return names;
}

export function assertScope([day, region, service, end]: readonly string[], date: string, expected: string): void {
  if (day !== date.slice(0, 8) || region !== expected || service !== 'oss' || end !== 'aliyun_v4_request') {
    refuse(400, 'InvalidArgument', 'The scope of the credential is wrong.');
  }
}

function assertFresh({ now }: Verifier, atMs: number): void {
  if (Math.abs(now() - atMs) <= SKEW_MAX_MS) return;
  refuse(403, 'RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.');
}

export function assertSame(expected: string, given: string): void {
  if (expected.length === given.length && timingSafeEqual(Buffer.from(expected), Buffer.from(given))) return;
  refuse(
    403,
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided.',
  );
}

/** `20231114T221320Z`. */
export function instantOf(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

function ossHeaders(headers: IncomingHttpHeaders): string[] {
  return Object.keys(headers)
    .filter((name) => name.startsWith('x-oss-'))
    .sort();
}

function text(headers: IncomingHttpHeaders, name: string): string {
  return String(headers[name] ?? '').trim();
}

function encode(value: string): string {
  return encodeURIComponent(value).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}

function byName([a = '']: readonly string[], [b = '']: readonly string[]): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
