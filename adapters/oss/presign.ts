/** URLs and forms that the bucket's owner has signed, so that a browser may put and get without any key. */
import type { CredentialSource } from '#clients/oss/credentials.ts';
import { bucketAddress, type Presigning, presignedUrl, signedForm } from '#clients/oss/presign.ts';
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { FormPut, PresignedForm } from '#core/ports/multipart.ts';
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

export type Signing = Pick<Presigning, 'method' | 'key' | 'headers' | 'query' | 'ttlSeconds'>;

/** A form's `success_action_status`: 201 comes with a body that tells the object's address. */
const FORM_STATUS = '201';

/**
 * The signature covers the length and `x-oss-forbid-overwrite: true`, so that a URL cannot put another size or overwrite.
 * `expiresAtMs` is exact: the store refuses the URL from then on. Throws Fault `bug` `staging.ttl` outside 1 s to 7 days.
 */
export function chunkPresigner(config: OssPresignConfig): (put: ChunkPut) => Promise<PresignedPut> {
  const sign = presigner(config);
  return async ({ uploadId, number, sizeBytes, ttlSeconds }) => {
    const headers = { 'content-length': String(sizeBytes), ...WRITE_ONCE };
    const signed = await sign({ method: 'PUT', key: chunkKey(uploadId, number), headers, ttlSeconds });
    // A browser sets content-length from the body itself and refuses to have it set.
    return { ...signed, headers: WRITE_ONCE };
  };
}

/** Any one request. Throws Fault `bug` `staging.ttl` outside 1 s to 7 days. */
export function presigner(config: OssPresignConfig) {
  const { region, bucket, credentials, clock } = config;
  return async (signing: Signing): Promise<{ readonly url: string; readonly expiresAtMs: number }> => {
    checkLife(signing.ttlSeconds);
    const signedAtMs = wholeSecond(clock);
    const url = presignedUrl({
      ...signing,
      ...placeOf(config),
      region,
      bucket,
      keys: await credentials(),
      signedAtMs,
    });
    return { url, expiresAtMs: signedAtMs + signing.ttlSeconds * 1000 };
  };
}

/** A form with exactly these fields and a file within the sizes. */
export async function presignForm(config: OssPresignConfig, form: FormPut): Promise<PresignedForm> {
  checkLife(form.ttlSeconds);
  const { region, bucket, credentials, clock } = config;
  const signedAtMs = wholeSecond(clock);
  const fields = signedForm({
    ...form,
    region,
    bucket,
    keys: await credentials(),
    fields: { key: form.key, 'content-type': form.contentType, success_action_status: FORM_STATUS },
    signedAtMs,
  });
  const url = `${bucketAddress({ ...placeOf(config), bucket })}/`;
  return { url, fields, expiresAtMs: signedAtMs + form.ttlSeconds * 1000 };
}

/** The longest that OSS allows: seven days. */
const TTL_SECONDS_MAX = 604_800;
const WRITE_ONCE = { 'x-oss-forbid-overwrite': 'true' };

function placeOf({ endpoint, publicUrl, forcePathStyle }: OssPresignConfig): Pick<Presigning, 'endpoint' | 'bucketIn'> {
  if (publicUrl !== undefined) return { endpoint: publicUrl, bucketIn: 'nowhere' };
  return { endpoint, bucketIn: forcePathStyle === true ? 'path' : 'host' };
}

function checkLife(ttlSeconds: number): void {
  if (Number.isInteger(ttlSeconds) && ttlSeconds >= 1 && ttlSeconds <= TTL_SECONDS_MAX) return;
  throw new Fault('bug', 'staging.ttl', 'a presigned URL lives 1 to 604,800 seconds');
}

function wholeSecond(clock: Clock): number {
  return Math.floor(clock.now() / 1000) * 1000;
}
