/** The environment of the one-machine home, parsed once. */
import { z } from 'zod';

const Port = z.coerce.number().int().min(0).max(65_535);

const Env = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: Port.default(8000),
  BUCKET_PORT: Port.default(8001),
  ENTREPOT_PUBLIC_BUCKET_URL: z.url({ protocol: /^https?$/ }).optional(),
  ENTREPOT_DATA: z.string().min(1).default('.entrepot'),
  ENTREPOT_TOKEN: z
    .string()
    .min(16, 'a token has at least 16 characters')
    .regex(/^[\x21-\x7e]*$/, 'a token has no spaces and nothing beyond ASCII')
    .optional(),
  ENTREPOT_BUCKET_LIMIT: z.coerce.number().int().min(1).optional(),
  ENTREPOT_LOG: z.enum(['info', 'error']).default('error'),
  LOCAL_FUNCTION_BUDGET_MS: z.coerce.number().int().min(1_000).default(30_000),
  MAX_CONCURRENT_UPLOADS: z.coerce.number().int().min(1).max(100).default(3),
  MAX_CONCURRENT_PARTS: z.coerce.number().int().min(1).max(64).default(5),
});
export type Env = z.infer<typeof Env>;

/** Throws an Error that names each variable that is wrong. An empty variable counts as absent. */
export function readEnv(variables: Readonly<Record<string, string | undefined>>): Env {
  const given = Object.fromEntries(
    Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = Env.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new Error(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
}
