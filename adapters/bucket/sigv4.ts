/**
 * The arithmetic of AWS Signature Version 4, without any policy: what is hashed, in which order, under which key.
 * Which requests may pass is decided in authenticate.ts.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Where a signature is valid: `date/region/s3/aws4_request`, with date as `YYYYMMDD`. */
export interface Scope {
  readonly date: string;
  readonly region: string;
  readonly text: string;
}

export interface SignedParts {
  readonly method: string;
  /** The decoded path, with its leading slash. */
  readonly path: string;
  /** Decoded pairs; the signature itself is not among them. */
  readonly query: Iterable<readonly [string, string]>;
  /** Lower-case names in their signed order, values as they came on the wire (latin1). */
  readonly headers: readonly (readonly [string, string])[];
  /** What the client declares about its body: a hex SHA-256 or one of the named modes. */
  readonly payload: string;
}

export function scopeOf(date: string, region: string): Scope {
  return { date, region, text: `${date}/${region}/s3/aws4_request` };
}

/** The key that signs within a scope. Costs four HMACs, so callers keep it for as long as the scope is asked for. */
export function signingKey(secret: string, scope: Scope): Buffer {
  const date = hmac(`AWS4${secret}`, scope.date);
  return hmac(hmac(hmac(date, scope.region), 's3'), 'aws4_request');
}

/** Lower-case hex signature of a request. `amzDate` is `YYYYMMDDTHHMMSSZ`. */
export function requestSignature(key: Buffer, scope: Scope, amzDate: string, parts: SignedParts): string {
  const query = [...parts.query].map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`);
  const canonical = [
    parts.method,
    parts.path.split('/').map(uriEncode).join('/'),
    sortByBytes(query).join('&'),
    ...parts.headers.map(([name, value]) => `${name}:${value.trim().replace(/ +/g, ' ')}`),
    '',
    parts.headers.map(([name]) => name).join(';'),
    parts.payload,
  ].join('\n');
  // Header values are latin1 views of the client's bytes; hashing them as latin1 restores those bytes.
  const digest = createHash('sha256').update(canonical, 'latin1').digest('hex');
  return hmac(key, `AWS4-HMAC-SHA256\n${amzDate}\n${scope.text}\n${digest}`).toString('hex');
}

/** Signature of one chunk of an aws-chunked body, chained to the signature before it. */
export function chunkSignature(
  key: Buffer,
  scope: Scope,
  amzDate: string,
  previous: string,
  sha256Hex: string,
): string {
  const head = `AWS4-HMAC-SHA256-PAYLOAD\n${amzDate}\n${scope.text}\n${previous}`;
  return hmac(key, `${head}\n${EMPTY_SHA256}\n${sha256Hex}`).toString('hex');
}

/** Signature of the trailers (`name:value\n` each), chained to the last chunk. */
export function trailerSignature(
  key: Buffer,
  scope: Scope,
  amzDate: string,
  previous: string,
  trailers: string,
): string {
  const digest = createHash('sha256').update(trailers, 'latin1').digest('hex');
  return hmac(key, `AWS4-HMAC-SHA256-TRAILER\n${amzDate}\n${scope.text}\n${previous}\n${digest}`).toString('hex');
}

/** Signature of a text as it stands: what is signed of a form is its policy. */
export function signedText(key: Buffer, text: string): string {
  return hmac(key, text).toString('hex');
}

/** Compares in constant time for equal lengths; the length of a signature is no secret. */
export function sameSignature(expected: string, given: string): boolean {
  const left = Buffer.from(expected, 'latin1');
  const right = Buffer.from(given, 'latin1');
  return left.length === right.length && timingSafeEqual(left, right);
}

/** AWS's URI encoding: everything but the unreserved characters of RFC 3986, UTF-8, upper-case hex. */
export function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

const EMPTY_SHA256 = createHash('sha256').digest('hex');

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

// The encoded pairs are ASCII, so code unit order is byte order. Sorting whole pairs would put "a-b=" before "a=",
// because "-" < "=": the names have to be compared first.
function sortByBytes(pairs: string[]): string[] {
  const name = (pair: string): string => pair.slice(0, pair.indexOf('='));
  const order = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
  return pairs.sort((left, right) => order(name(left), name(right)) || order(left, right));
}
