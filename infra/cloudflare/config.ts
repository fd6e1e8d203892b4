/** What `wrangler.jsonc` calls the parts of the Cloudflare home. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const Config = z.looseObject({
  name: z.string(),
  alias: z.record(z.string(), z.string()),
  r2_buckets: z.tuple([z.looseObject({ bucket_name: z.string() })]),
  queues: z.looseObject({
    producers: z.array(z.looseObject({ binding: z.string(), queue: z.string() })),
    consumers: z.array(z.looseObject({ queue: z.string(), dead_letter_queue: z.string() })),
  }),
  vars: z.looseObject({ ENTREPOT_BUCKET: z.string(), ENTREPOT_STAGED_QUEUE: z.string() }),
});
export type WranglerConfig = z.infer<typeof Config>;

/** Comments stand on lines of their own there. Throws when names that have to be the same are not. */
export function wranglerConfig(): WranglerConfig {
  const text = readFileSync(new URL('../../wrangler.jsonc', import.meta.url), 'utf8');
  const config = Config.parse(JSON.parse(text.replaceAll(/^\s*\/\/.*$/gm, '')));
  const { vars, queues } = config;
  if (vars.ENTREPOT_BUCKET !== config.r2_buckets[0].bucket_name) {
    throw new Error('wrangler.jsonc: ENTREPOT_BUCKET is not the name of the bucket');
  }
  if (!queues.consumers.some(({ queue }) => queue === vars.ENTREPOT_STAGED_QUEUE)) {
    throw new Error('wrangler.jsonc: nobody consumes ENTREPOT_STAGED_QUEUE');
  }
  return config;
}
