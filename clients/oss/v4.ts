/** What is the same in everything that is signed for OSS by its version 4. */
import { createHash, createHmac } from 'node:crypto';
import { uriPart } from '../uri.ts';

export const ALGORITHM = 'OSS4-HMAC-SHA256';

/** The store signs these wherever they stand; naming them among the additional ones is an error. */
export const ALWAYS_SIGNED = /^(?:content-type|content-md5|x-oss-.*)$/;

/** When and for what a signature is good. */
export interface Scope {
  /** `20231114T221320Z` */
  readonly date: string;
  /** `20231114/cn-hangzhou/oss/aliyun_v4_request` */
  readonly scope: string;
}

export function scopeAt(signedAtMs: number, region: string): Scope {
  const date = new Date(signedAtMs).toISOString().replace(/[:-]|\.\d{3}/g, '');
  return { date, scope: `${date.slice(0, 8)}/${region}/oss/aliyun_v4_request` };
}

/** Of a request, by its canonical form. Hex. */
export function signatureOf(canonical: string, { date, scope }: Scope, secret: string): string {
  const hashed = createHash('sha256').update(canonical).digest('hex');
  return signed(`${ALGORITHM}\n${date}\n${scope}\n${hashed}`, scope, secret);
}

/** Of any text, in hex. */
export function signed(text: string, scope: string, secret: string): string {
  const key = scope.split('/').reduce<Buffer>((soFar, step) => hmac(soFar, step), Buffer.from(`aliyun_v4${secret}`));
  return hmac(key, text).toString('hex');
}

/** `a=1&b`, sorted; an empty value stands without its sign. */
export function canonicalQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => [uriPart(name), uriPart(value)] as const)
    .sort(byName)
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
    .join('&');
}

export function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
