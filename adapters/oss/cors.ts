/** Whether pages may put into the bucket: asked as a browser asks, and allowed where nobody has decided yet. */
import { hasCors, putCors } from '#clients/oss/bucket.ts';
import type { OssClient } from '#clients/oss/client.ts';
import { preflightPut } from '#clients/preflight.ts';
import { UploadId } from '#core/wire/ids.ts';
import { chunkPresigner, type OssPresignConfig } from './presign.ts';

/**
 * `open`: it lets pages put. `made`: it does since we set its rules. `theirs`: rules of somebody else's keep this page out, and were
 * left alone. `shut`: there are no rules and we may not set them. `unasked`: the address that browsers use is not reached from here.
 */
export type OssCors = 'open' | 'made' | 'theirs' | 'shut' | 'unasked';

const ANSWER_MS = 15_000;
/** New rules may take a moment to be everywhere. */
const LOOKS_MAX = 5;
const LOOK_MS = 1_000;

const RULE = {
  origins: ['*'],
  // POST is for forms, which some uploaders of others send.
  methods: ['PUT', 'POST', 'GET', 'HEAD'],
  headers: ['*'],
  exposed: ['ETag', 'x-oss-request-id'],
  maxAgeSeconds: 3_600,
};

export async function openToBrowsers(parts: {
  readonly client: OssClient;
  readonly config: OssPresignConfig;
  readonly pageOrigin: string;
}): Promise<OssCors> {
  const { client, config, pageOrigin } = parts;
  const first = await preflight(config, pageOrigin);
  if (first !== 'shut') return first;
  // Rules that cannot be read are somebody's: they are nobody's to overwrite.
  const isDecided = await hasCors(client, AbortSignal.timeout(ANSWER_MS)).catch(() => true);
  if (isDecided) return 'theirs';
  try {
    await putCors(client, RULE, AbortSignal.timeout(ANSWER_MS));
  } catch {
    // Whatever the reason: it is told as "shut", and what to do about it is the same.
    return 'shut';
  }
  for (let look = 1; look <= LOOKS_MAX; look++) {
    if ((await preflight(config, pageOrigin)) === 'open') return 'made';
    await config.clock.sleep(LOOK_MS);
  }
  return 'shut';
}

async function preflight(config: OssPresignConfig, pageOrigin: string): Promise<'open' | 'shut' | 'unasked'> {
  const ticket = { uploadId: UploadId.parse(`upl_${'0'.repeat(26)}`), number: 1, sizeBytes: 1, ttlSeconds: 60 };
  const { url, headers } = await chunkPresigner(config)(ticket);
  return preflightPut(url, Object.keys(headers), pageOrigin);
}
