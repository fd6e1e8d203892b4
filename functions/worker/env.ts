/** What a Worker of the Cloudflare home is given: bindings, variables and secrets. `wrangler.jsonc` names them all. */
import * as z from 'zod';
import type { TableNamespace } from '#adapters/durable/call.ts';
import type { HubNamespace } from '#adapters/durable/progress.ts';
import type { QueueProducer } from '#adapters/queues/binding.ts';
import type { R2Bucket } from '#adapters/r2/binding.ts';
import { CloudEnv, readEnv, readSecrets, SECRETS_OF } from '../env.ts';

export interface Bindings {
  readonly STAGING: R2Bucket;
  readonly HINTS: QueueProducer;
  readonly TABLE: TableNamespace;
  readonly HUB: HubNamespace;
  /** Variables and secrets. */
  readonly [name: string]: unknown;
}

const Secret = z
  .string()
  .min(1)
  .max(8_192)
  .regex(/^[\x21-\x7e]*$/, 'has no spaces and nothing beyond ASCII');

export const WorkerEnv = z.object({
  /** Of R2, by its S3 API: `https://<account>.r2.cloudflarestorage.com`, without the bucket. */
  ENTREPOT_R2_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ''))
    .describe('without a slash at its end'),
  /** Of an R2 token that may read and write objects of this bucket alone. */
  ENTREPOT_R2_ACCESS_KEY_ID: Secret,
  ENTREPOT_R2_SECRET_ACCESS_KEY: Secret,
  ENTREPOT_BUCKET: CloudEnv.shape.ENTREPOT_BUCKET,
  /** Of the queues that this Worker consumes, the one with R2's events; the others hold hints. */
  ENTREPOT_STAGED_QUEUE: z.string().min(1).max(63).default('entrepot-staged'),
  /** `told`: by R2's event notifications. `looked-for`: by listing, as under `wrangler dev`, whose R2 tells nothing. */
  ENTREPOT_ARRIVALS: z.enum(['told', 'looked-for']).default('told'),
  ENTREPOT_LOG: CloudEnv.shape.ENTREPOT_LOG,
  MAX_CONCURRENT_UPLOADS: CloudEnv.shape.MAX_CONCURRENT_UPLOADS,
  ENTREPOT_RECEIPT_DIGEST: CloudEnv.shape.ENTREPOT_RECEIPT_DIGEST,
  MAX_CONCURRENT_PARTS: CloudEnv.shape.MAX_CONCURRENT_PARTS,
  MAX_OPEN_TRANSFERS: CloudEnv.shape.MAX_OPEN_TRANSFERS,
});
export type WorkerEnv = z.infer<typeof WorkerEnv>;
export type WorkerSecrets = ReturnType<typeof readSecrets<(typeof SECRETS_OF.worker)[number]>>;

/** Throws an Error whose one line names each variable and secret that is missing or wrong, and quotes none. */
export function readBindings(bindings: Bindings): { readonly env: WorkerEnv; readonly secrets: WorkerSecrets } {
  const given = Object.fromEntries(
    Object.entries(bindings).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
  return { env: readEnv(WorkerEnv, given), secrets: readSecrets(SECRETS_OF.worker, given) };
}

/** That line, or null when everything is there. */
export function missingIn(bindings: Bindings): string | null {
  try {
    readBindings(bindings);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : 'unknown error';
  }
}
