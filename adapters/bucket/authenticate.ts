/**
 * Decides whether a request may pass. Every request carries a SigV4 signature, in its Authorization header or in its
 * query; there is no anonymous access. Stricter than AWS nowhere, as strict as AWS in what may stay unsigned: every
 * `x-amz-*` header that is present has to be signed, and so has `host`.
 */
import { S3Error } from './errors.ts';
import type { S3Request } from './request.ts';
import { requestSignature, type Scope, sameSignature, scopeOf, signingKey } from './sigv4.ts';

export interface Credential {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A verified signature, with what is needed to verify the chunks that are chained to it. */
export interface Signature {
  readonly accessKeyId: string;
  /** Hex SHA-256 of the body, `UNSIGNED-PAYLOAD` or one of the `STREAMING-…` modes. */
  readonly payload: string;
  readonly key: Buffer;
  readonly scope: Scope;
  readonly amzDate: string;
  readonly hex: string;
}

export type Authenticate = (request: S3Request) => Signature;

/** `now` is in epoch milliseconds. The returned function throws S3Error for whoever may not pass. */
export function authenticator(credentials: readonly Credential[], region: string, now: () => number): Authenticate {
  const secrets = new Map(credentials.map((each) => [each.accessKeyId, each.secretAccessKey]));
  const keys = new Map<string, Buffer>();

  function keyFor(accessKeyId: string, secret: string, scope: Scope): Buffer {
    const name = `${accessKeyId}/${scope.date}`;
    const known = keys.get(name);
    if (known) return known;
    if (keys.size >= KEYS_KEPT_MAX) keys.clear();
    const key = signingKey(secret, scope);
    keys.set(name, key);
    return key;
  }

  return (request) => {
    const claim = readClaim(request);
    const [accessKeyId, scope] = readCredential(claim, region);
    const signedAtMs = parseAmzDate(claim);
    if (scope.date !== claim.amzDate.slice(0, 8))
      malformed(claim, 'The date of the credential is not that of the request.');
    checkTime(claim, signedAtMs, now());
    const secret = secrets.get(accessKeyId);
    if (secret === undefined) throw new S3Error('InvalidAccessKeyId');
    checkSignedHeaders(request, claim);

    const key = keyFor(accessKeyId, secret, scope);
    const query = [...request.query].filter(([name]) => name !== 'X-Amz-Signature');
    const headers = claim.signedHeaders.map((name) => [name, request.headers.get(name) ?? ''] as const);
    const { method, path } = request;
    const expected = requestSignature(key, scope, claim.amzDate, {
      method,
      path,
      query,
      headers,
      payload: claim.payload,
    });
    if (!sameSignature(expected, claim.signature)) throw new S3Error('SignatureDoesNotMatch');
    return { accessKeyId, payload: claim.payload, key, scope, amzDate: claim.amzDate, hex: expected };
  };
}

interface Claim {
  readonly place: 'header' | 'query';
  readonly credential: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly amzDate: string;
  readonly payload: string;
  /** Of a presigned URL only. */
  readonly expiresSeconds: number;
}

/** A day's worth of keys for a few credentials; a bound, since dates come from clients. */
const KEYS_KEPT_MAX = 64;
const SKEW_MS_MAX = 15 * 60_000;
const EXPIRES_SECONDS_MAX = 7 * 24 * 3600;
const ALGORITHM = 'AWS4-HMAC-SHA256';

function readClaim(request: S3Request): Claim {
  const authorization = request.headers.get('authorization');
  const isPresigned = request.query.has('X-Amz-Signature') || request.query.has('X-Amz-Algorithm');
  if (authorization !== undefined && isPresigned) {
    throw new S3Error('InvalidArgument', 'Only one authentication mechanism is allowed.');
  }
  if (authorization !== undefined) return headerClaim(request, authorization);
  if (isPresigned) return queryClaim(request);
  if (request.query.has('AWSAccessKeyId')) throw new S3Error('InvalidRequest', `Please use ${ALGORITHM}.`);
  throw new S3Error('AccessDenied');
}

function headerClaim(request: S3Request, authorization: string): Claim {
  const space = authorization.indexOf(' ');
  if (authorization.slice(0, space) !== ALGORITHM) throw new S3Error('InvalidRequest', `Please use ${ALGORITHM}.`);
  const fields = new Map<string, string>();
  for (const field of authorization.slice(space + 1).split(',')) {
    const [, name, value] = /^\s*(\w+)=(\S+)\s*$/.exec(field) ?? [];
    if (name === undefined || value === undefined || fields.has(name))
      throw new S3Error('AuthorizationHeaderMalformed');
    fields.set(name, value);
  }
  const credential = fields.get('Credential');
  const signedHeaders = fields.get('SignedHeaders');
  const signature = fields.get('Signature');
  if (!credential || !signedHeaders || !signature) throw new S3Error('AuthorizationHeaderMalformed');
  const amzDate = request.headers.get('x-amz-date') ?? fromHttpDate(request.headers.get('date'));
  if (amzDate === undefined) throw new S3Error('AccessDenied', 'A signed request needs an x-amz-date or Date header.');
  const payload = request.headers.get('x-amz-content-sha256');
  if (payload === undefined) throw new S3Error('InvalidRequest', 'The header x-amz-content-sha256 is missing.');
  return {
    place: 'header',
    credential,
    signedHeaders: signedHeaders.split(';'),
    signature,
    amzDate,
    payload,
    expiresSeconds: 0,
  };
}

function queryClaim(request: S3Request): Claim {
  const field = (name: string): string => {
    const value = request.query.get(`X-Amz-${name}`);
    if (!value) throw new S3Error('AuthorizationQueryParametersError', `X-Amz-${name} is missing.`);
    return value;
  };
  if (field('Algorithm') !== ALGORITHM) throw new S3Error('AuthorizationQueryParametersError', `Use ${ALGORITHM}.`);
  const expires = field('Expires');
  const expiresSeconds = /^\d{1,6}$/.test(expires) ? Number(expires) : 0;
  if (expiresSeconds < 1 || expiresSeconds > EXPIRES_SECONDS_MAX) {
    throw new S3Error('AuthorizationQueryParametersError', `X-Amz-Expires is 1 to ${EXPIRES_SECONDS_MAX} seconds.`);
  }
  return {
    place: 'query',
    credential: field('Credential'),
    signedHeaders: field('SignedHeaders').split(';'),
    signature: field('Signature'),
    amzDate: field('Date'),
    payload: request.header('x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD',
    expiresSeconds,
  };
}

function readCredential(claim: Claim, region: string): [accessKeyId: string, scope: Scope] {
  const fields = claim.credential.split('/');
  const [date = '', scopeRegion, service, terminator] = fields.slice(-4);
  if (fields.length < 5 || !/^\d{8}$/.test(date))
    malformed(claim, 'The credential is not key/date/region/s3/aws4_request.');
  if (scopeRegion !== region) malformed(claim, `The region is wrong; expecting '${region}'.`, { Region: region });
  if (service !== 's3' || terminator !== 'aws4_request') malformed(claim, "The service is wrong; expecting 's3'.");
  return [fields.slice(0, -4).join('/'), scopeOf(date, region)];
}

function parseAmzDate(claim: Claim): number {
  const fields = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(claim.amzDate);
  const [, year, month, day, hour, minute, second] = fields ?? [];
  const atMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(atMs)) malformed(claim, 'The date is not YYYYMMDDTHHMMSSZ.');
  return atMs;
}

function checkTime(claim: Claim, signedAtMs: number, nowMs: number): void {
  const ServerTime = new Date(nowMs).toISOString();
  if (claim.place === 'header') {
    if (Math.abs(nowMs - signedAtMs) > SKEW_MS_MAX)
      throw new S3Error('RequestTimeTooSkewed', undefined, { ServerTime });
    return;
  }
  if (signedAtMs - nowMs > SKEW_MS_MAX) throw new S3Error('AccessDenied', 'Request is not yet valid');
  const expiresAtMs = signedAtMs + claim.expiresSeconds * 1000;
  if (nowMs > expiresAtMs) {
    throw new S3Error('AccessDenied', 'Request has expired', {
      Expires: new Date(expiresAtMs).toISOString(),
      ServerTime,
    });
  }
}

function checkSignedHeaders(request: S3Request, claim: Claim): void {
  if (request.query.has('X-Amz-Security-Token') || request.headers.has('x-amz-security-token')) {
    throw new S3Error('InvalidToken', 'This server issues no session tokens.');
  }
  const signed = new Set(claim.signedHeaders);
  const unsigned = [...request.headers.keys()].filter((name) => name.startsWith('x-amz-') && !signed.has(name));
  if (unsigned.length > 0 || !signed.has('host')) {
    const HeadersNotSigned = signed.has('host') ? unsigned.join(', ') : 'host';
    throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed', {
      HeadersNotSigned,
    });
  }
}

function fromHttpDate(text: string | undefined): string | undefined {
  const atMs = Date.parse(text ?? '');
  return Number.isNaN(atMs) ? undefined : new Date(atMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

function malformed(claim: Claim, message: string, details: Readonly<Record<string, string>> = {}): never {
  const code = claim.place === 'header' ? 'AuthorizationHeaderMalformed' : 'AuthorizationQueryParametersError';
  throw new S3Error(code, message, details);
}
