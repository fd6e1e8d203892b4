/** The environment of the one-machine home, parsed once. */
import { z } from 'zod';

const Port = z.coerce.number().int().min(0).max(65_535);

/** A variable that is all or nothing with its like: the keys of an S3-compatible store that is staging in place of our bucket. */
const S3_NEEDED = [
  'ENTREPOT_S3_BUCKET',
  'ENTREPOT_S3_REGION',
  'ENTREPOT_S3_ACCESS_KEY_ID',
  'ENTREPOT_S3_SECRET_ACCESS_KEY',
] as const;
const S3_OPTIONAL = ['ENTREPOT_S3_ENDPOINT', 'ENTREPOT_S3_SESSION_TOKEN', 'ENTREPOT_S3_FORCE_PATH_STYLE'] as const;

const Secret = z
  .string()
  .max(8_192)
  .regex(/^[\x21-\x7e]*$/, 'has no spaces and nothing beyond ASCII');

const Variables = z.object({
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
  ENTREPOT_S3_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .refine(isPlainUrl, 'has no user, query or fragment')
    .optional(),
  ENTREPOT_S3_REGION: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/i, 'a region is like us-east-1')
    .optional(),
  ENTREPOT_S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/i, 'a bucket name has 3 to 63 letters, digits, dots and hyphens')
    .optional(),
  ENTREPOT_S3_ACCESS_KEY_ID: Secret.optional(),
  ENTREPOT_S3_SECRET_ACCESS_KEY: Secret.optional(),
  ENTREPOT_S3_SESSION_TOKEN: Secret.optional(),
  ENTREPOT_S3_FORCE_PATH_STYLE: z.enum(['true', 'false']).optional(),
  ENTREPOT_BUCKET_LIMIT: z.coerce.number().int().min(1).optional(),
  ENTREPOT_LOG: z.enum(['info', 'error']).default('error'),
  LOCAL_FUNCTION_BUDGET_MS: z.coerce.number().int().min(1_000).default(30_000),
  MAX_CONCURRENT_UPLOADS: z.coerce.number().int().min(1).max(100).default(3),
  MAX_CONCURRENT_PARTS: z.coerce.number().int().min(1).max(64).default(5),
});
const Env = Variables.superRefine((env, context) => {
  const given = [...S3_NEEDED, ...S3_OPTIONAL].find((name) => env[name] !== undefined);
  if (given === undefined) return;
  for (const name of S3_NEEDED) {
    if (env[name] !== undefined) continue;
    context.addIssue({ code: 'custom', path: [name], message: `needed, because ${given} is set` });
  }
});
export type Env = z.infer<typeof Env>;

/** Of the store that `ENTREPOT_S3_…` names; null: our own bucket. No endpoint: AWS. */
export interface S3Env {
  readonly endpoint?: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly forcePathStyle: boolean;
}

export function s3Env(env: Env): S3Env | null {
  const [bucket, region, accessKeyId, secretAccessKey] = S3_NEEDED.map((name) => env[name]);
  if (!bucket || !region || !accessKeyId || !secretAccessKey) return null;
  const { ENTREPOT_S3_ENDPOINT: endpoint, ENTREPOT_S3_SESSION_TOKEN: sessionToken } = env;
  const pathStyle = env.ENTREPOT_S3_FORCE_PATH_STYLE;
  return {
    ...(endpoint === undefined ? {} : { endpoint: endpoint.replace(/\/+$/, '') }),
    region,
    bucket,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    forcePathStyle: pathStyle === undefined ? endpoint !== undefined : pathStyle === 'true',
  };
}

/** Throws an Error that names each variable that is wrong. An empty variable counts as absent. */
export function readEnv(variables: Readonly<Record<string, string | undefined>>): Env {
  const given = Object.fromEntries(
    Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = Env.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new Error(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
}

/** What is no URL at all has been told of by then. */
function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { username, password, search, hash } = new URL(text);
  return username === '' && password === '' && search === '' && hash === '';
}
