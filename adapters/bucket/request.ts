/**
 * One HTTP request as the protocol sees it: decoded path and query, bucket and key by path or by host name, headers as
 * they came on the wire. Nothing here is trusted yet; authenticate.ts decides that.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { S3Error } from './errors.ts';

export interface S3Request {
  readonly id: string;
  readonly http: IncomingMessage;
  readonly method: string;
  /** Decoded, with its leading slash: what was signed. */
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
  /** Lower-case names; repeated headers joined with a comma, as signers do. Latin1 values. */
  readonly headers: ReadonlyMap<string, string>;
  readonly bucket: string | undefined;
  /** Up to 1024 bytes of UTF-8; never empty. `.`, `..` and slashes are plain text in it. */
  readonly key: string | undefined;
  /** A header, or an x-amz-* one that a presigned URL carries in its query instead. */
  header(name: string): string | undefined;
}

/** Of UTF-8. */
export const KEY_BYTES_MAX = 1024;

/** `ownHosts` are the names under which `<bucket>.<name>` is virtual-host style. Throws InvalidURI, KeyTooLongError. */
export function readRequest(http: IncomingMessage, id: string, ownHosts: readonly string[]): S3Request {
  const raw = http.url ?? '';
  if (!raw.startsWith('/') || /[^\x21-\x7e]|#/.test(raw)) throw new S3Error('InvalidURI');
  const mark = raw.indexOf('?');
  const path = decode(mark === -1 ? raw : raw.slice(0, mark));
  const query = mark === -1 ? new Map<string, string>() : decodeQuery(raw.slice(mark + 1));
  const headers = collectHeaders(http.rawHeaders);
  const isPresigned = query.has('X-Amz-Signature');
  const hoisted = isPresigned ? hoistedHeaders(query) : new Map<string, string>();

  const { bucket, key } = resourceOf(path, headers.get('host') ?? '', ownHosts);
  if (key !== undefined && Buffer.byteLength(key) > KEY_BYTES_MAX) throw new S3Error('KeyTooLongError');
  return {
    id,
    http,
    method: http.method ?? 'GET',
    path,
    query,
    headers,
    bucket,
    key,
    header: (name) => headers.get(name) ?? hoisted.get(name),
  };
}

export function requestId(): string {
  return randomBytes(8).toString('hex').toUpperCase();
}

/** The bucket and key of a path-style resource such as `/bucket/some/key`. */
export function splitResource(path: string): { bucket: string | undefined; key: string | undefined } {
  const slash = path.indexOf('/', 1);
  const bucket = slash === -1 ? path.slice(1) : path.slice(1, slash);
  const key = slash === -1 ? '' : path.slice(slash + 1);
  return { bucket: bucket || undefined, key: key || undefined };
}

/** Percent-decodes strictly; `+` is a space, in paths too (AWS's own reading). Throws InvalidURI. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new S3Error('InvalidURI');
  }
}

function decodeQuery(text: string): Map<string, string> {
  const query = new Map<string, string>();
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    // Two values for one name would let a signer and a handler disagree on which one counts.
    if (query.has(name)) throw new S3Error('InvalidArgument', `The query parameter ${name} is given twice.`);
    query.set(name, equals === -1 ? '' : decode(pair.slice(equals + 1)));
  }
  return query;
}

function collectHeaders(raw: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] ?? '').toLowerCase();
    const before = headers.get(name);
    headers.set(name, before === undefined ? (raw[i + 1] ?? '') : `${before},${raw[i + 1]}`);
  }
  return headers;
}

function hoistedHeaders(query: ReadonlyMap<string, string>): Map<string, string> {
  const hoisted = new Map<string, string>();
  for (const [name, value] of query) {
    const lower = name.toLowerCase();
    if (!lower.startsWith('x-amz-')) continue;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what no header could have carried.
    if (/[\u0000-\u001f\u007f]/.test(value)) throw new S3Error('InvalidArgument', `${name} is no header value.`);
    hoisted.set(lower, Buffer.from(value).toString('latin1'));
  }
  return hoisted;
}

function resourceOf(
  path: string,
  host: string,
  ownHosts: readonly string[],
): { bucket: string | undefined; key: string | undefined } {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  const suffix = ownHosts.map((own) => `.${own}`).find((own) => name.endsWith(own) && name.length > own.length);
  if (suffix === undefined) return splitResource(path);
  return { bucket: name.slice(0, -suffix.length), key: path.slice(1) || undefined };
}
