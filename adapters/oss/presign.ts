/**
 * Presigned, write-once PUTs of chunks. The signature covers the length and `x-oss-forbid-overwrite: true`, so that a URL cannot
 * put another size or overwrite.
 */
import type { CredentialSource } from '#clients/oss/credentials.ts';
import { presignedUrl } from '#clients/oss/presign.ts';
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ChunkPut, PresignedPut } from '#core/ports/staging.ts';
import { chunkKey } from '#core/wire/keys.ts';

export interface OssPresignConfig {
  /** `https://oss-cn-hangzhou.aliyuncs.com`, without the bucket. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly credentials: CredentialSource;
  readonly forcePathStyle?: boolean;
  /** `https://host` that is bound to the bucket (CNAME) and that browsers use instead of the endpoint. */
  readonly publicUrl?: string;
  readonly clock: Clock;
}

/** The longest that OSS allows: seven days. */
const TTL_SECONDS_MAX = 604_800;

/** `expiresAtMs` is exact: the store refuses the URL from then on. Throws Fault `bug` `staging.ttl` outside 1 s to 7 days. */
export function chunkPresigner(config: OssPresignConfig): (put: ChunkPut) => Promise<PresignedPut> {
  const { endpoint, publicUrl, region, bucket, credentials, clock } = config;
  const bucketIn = config.forcePathStyle === true ? 'path' : 'host';
  return async ({ uploadId, number, sizeBytes, ttlSeconds }) => {
    if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > TTL_SECONDS_MAX) {
      throw new Fault('bug', 'staging.ttl', 'a presigned URL lives 1 to 604,800 seconds');
    }
    const signedAtMs = Math.floor(clock.now() / 1000) * 1000;
    const url = presignedUrl({
      method: 'PUT',
      endpoint: publicUrl ?? endpoint,
      bucketIn: publicUrl === undefined ? bucketIn : 'nowhere',
      region,
      bucket,
      key: chunkKey(uploadId, number),
      keys: await credentials(),
      headers: { 'content-length': String(sizeBytes), ...WRITE_ONCE },
      signedAtMs,
      ttlSeconds,
    });
    // A browser sets content-length from the body itself and refuses to have it set.
    return { url, headers: WRITE_ONCE, expiresAtMs: signedAtMs + ttlSeconds * 1000 };
  };
}

const WRITE_ONCE = { 'x-oss-forbid-overwrite': 'true' };
