/**
 * Presigned, write-once PUTs of chunks. The signature covers the length and `if-none-match: *`, so that a URL cannot put
 * another size or overwrite; there is no checksum in it, because the browser's bytes are not known when it is made.
 */
import { AwsV4Signer } from 'aws4fetch';
import { type KeySource, type S3Keys, type S3Place, s3Endpoint } from '#clients/s3/client.ts';
import { uriPath } from '#clients/uri.ts';
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ChunkPut, PresignedPut } from '#core/ports/staging.ts';
import { chunkKey } from '#core/wire/keys.ts';
import { stagingFault } from './faults.ts';

export type PresignConfig = PresignPlace & (S3Keys | { readonly keys: KeySource });

export interface PresignPlace extends S3Place {
  readonly bucket: string;
  /** `https://host[:port]` under which browsers reach the store, when it is not the endpoint. */
  readonly publicUrl?: string;
  /** `none` for a store that refuses every put with a condition: its chunks can then be put twice. */
  readonly condition?: 'if-none-match' | 'none';
  readonly clock: Clock;
}

/** The longest that SigV4 allows: seven days. */
const TTL_SECONDS_MAX = 604_800;
/** One signing key per day and region; yesterday's is of no use. */
const SIGNING_KEYS_MAX = 2;

/** `expiresAtMs` is exact: the store refuses the URL from then on. Throws Fault `bug` `staging.ttl` outside 1 s to 7 days. */
export function chunkPresigner(config: PresignConfig): (put: ChunkPut) => Promise<PresignedPut> {
  const signingKeys = new Map<string, ArrayBuffer>();
  const { region, clock } = config;
  const condition: Readonly<Record<string, string>> = config.condition === 'none' ? {} : { 'if-none-match': '*' };
  return async (put) => {
    const { uploadId, number, sizeBytes, ttlSeconds } = put;
    checkLife(ttlSeconds);
    if (signingKeys.size > SIGNING_KEYS_MAX) signingKeys.clear();
    const url = bucketUrl(config, put.viewerHost);
    url.pathname += chunkKey(uploadId, number);
    url.searchParams.set('X-Amz-Expires', String(ttlSeconds));
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await keysOf(config);
    const signedAtMs = Math.floor(clock.now() / 1000) * 1000;
    const signer = new AwsV4Signer({
      method: 'PUT',
      url: url.href,
      headers: { 'content-length': String(sizeBytes), ...condition },
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      service: 's3',
      region,
      cache: signingKeys,
      datetime: amzDate(signedAtMs),
      signQuery: true,
      // Without it content-length counts as unsignable.
      allHeaders: true,
    });
    const signed = await signer.sign();
    return {
      url: signed.url.href,
      // A browser sets content-length from the body itself and refuses to have it set.
      headers: condition,
      expiresAtMs: endMs(signedAtMs + ttlSeconds * 1000, expiration),
    };
  };
}

/** Any one request; `headers` are signed and to be sent as they are. Throws Fault `bug` `staging.ttl` outside 1 s to 7 days. */
export async function presignedUrl(
  config: PresignConfig,
  request: {
    readonly method: 'PUT' | 'GET';
    readonly url: URL;
    readonly headers: Readonly<Record<string, string>>;
    readonly ttlSeconds: number;
  },
): Promise<{ readonly url: string; readonly expiresAtMs: number }> {
  const { method, headers, ttlSeconds } = request;
  checkLife(ttlSeconds);
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = await keysOf(config);
  const url = new URL(request.url);
  url.searchParams.set('X-Amz-Expires', String(ttlSeconds));
  const signedAtMs = Math.floor(config.clock.now() / 1000) * 1000;
  const signer = new AwsV4Signer({
    method,
    url: url.href,
    headers: { ...headers },
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    service: 's3',
    region: config.region,
    datetime: amzDate(signedAtMs),
    signQuery: true,
    // Without it content-length counts as unsignable.
    allHeaders: true,
  });
  const signed = await signer.sign();
  return { url: signed.url.href, expiresAtMs: endMs(signedAtMs + ttlSeconds * 1000, expiration) };
}

/** The keys to sign with, now. Faults `auth` `staging.denied` when the runtime has none. */
export async function keysOf(config: PresignConfig): Promise<S3Keys> {
  if (!('keys' in config)) return config;
  return config.keys().catch((error: unknown) => {
    throw stagingFault(error);
  });
}

/** A signature is void when its keys are. */
export function endMs(untilMs: number, expiration: Date | undefined): number {
  return Math.min(untilMs, expiration?.getTime() ?? untilMs);
}

/** The bucket's address with a slash at its end, as the browser reaches it. */
export function bucketUrl(config: PresignPlace, viewerHost: string | undefined): URL {
  const url = new URL(config.publicUrl ?? s3Endpoint(config));
  // A store on loopback is our own, reached by the name under which its machine is reached. Any other has an address of its own.
  if (
    config.publicUrl === undefined &&
    isLoopback(url.hostname) &&
    viewerHost !== undefined &&
    isHostName(viewerHost)
  ) {
    url.hostname = viewerHost;
  }
  const base = url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`;
  // A certificate's wildcard covers one label, so that a bucket with dots cannot be a host name under TLS.
  if (config.forcePathStyle || (config.bucket.includes('.') && url.protocol === 'https:')) {
    url.pathname = `${base}${config.bucket}/`;
  } else {
    url.hostname = `${config.bucket}.${url.hostname}`;
    url.pathname = base;
  }
  return url;
}

/** The address of an object. Its key in full, because some stores check the signature of a path as it came, and R2 may be one. */
export function objectUrl(config: PresignPlace, key: string, viewerHost: string | undefined): URL {
  const url = bucketUrl(config, viewerHost);
  url.pathname += uriPath(key);
  return url;
}

function checkLife(ttlSeconds: number): void {
  if (Number.isInteger(ttlSeconds) && ttlSeconds >= 1 && ttlSeconds <= TTL_SECONDS_MAX) return;
  throw new Fault('bug', 'staging.ttl', 'a presigned URL lives 1 to 604,800 seconds');
}

function amzDate(ms: number): string {
  return new Date(ms).toISOString().replace(/[:-]|\.\d{3}/g, '');
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

/** Host names and addresses without a port; IPv6 in brackets. Whatever else a client sent as its host is not followed. */
function isHostName(host: string): boolean {
  return host.length <= 253 && /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])$/i.test(host);
}
