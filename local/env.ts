/** The environment of the one-machine home, parsed once. */
import * as z from 'zod';
import { DigestAlgorithm } from '#core/wire/digest.ts';

const Port = z.coerce.number().int().min(0).max(65_535);

/** A variable that is all or nothing with its like: the keys of an S3-compatible store that is staging in place of our bucket. */
const S3_NEEDED = [
  'ENTREPOT_S3_BUCKET',
  'ENTREPOT_S3_REGION',
  'ENTREPOT_S3_ACCESS_KEY_ID',
  'ENTREPOT_S3_SECRET_ACCESS_KEY',
] as const;
const S3_OPTIONAL = ['ENTREPOT_S3_ENDPOINT', 'ENTREPOT_S3_SESSION_TOKEN', 'ENTREPOT_S3_FORCE_PATH_STYLE'] as const;

/** Their like for a bucket of Aliyun OSS in its place. */
const OSS_NEEDED = [
  'ENTREPOT_OSS_ENDPOINT',
  'ENTREPOT_OSS_REGION',
  'ENTREPOT_OSS_BUCKET',
  'ENTREPOT_OSS_ACCESS_KEY_ID',
  'ENTREPOT_OSS_ACCESS_KEY_SECRET',
] as const;
const OSS_OPTIONAL = ['ENTREPOT_OSS_STS_TOKEN'] as const;

const Secret = z
  .string()
  .max(8_192)
  .regex(/^[\x21-\x7e]*$/, 'has no spaces and nothing beyond ASCII');

const FolderName = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/i, 'one folder of letters, digits, - and _');

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
  /** As Aliyun's console shows it too: without `https://`. */
  ENTREPOT_OSS_ENDPOINT: z
    .string()
    .transform((text) => (text.includes('://') ? text : `https://${text}`).replace(/\/+$/, ''))
    .pipe(
      z
        .url({ protocol: /^https?$/ })
        .refine(isPlainUrl, 'has no user, query or fragment')
        .refine(isWithoutPath, 'has no path: the bucket has a variable of its own'),
    )
    .optional(),
  ENTREPOT_OSS_REGION: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/i, 'a region is like cn-hangzhou')
    .transform((text) => text.replace(/^oss-/, ''))
    .optional(),
  ENTREPOT_OSS_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/, 'a bucket name has 3 to 63 lower-case letters, digits and hyphens')
    .optional(),
  ENTREPOT_OSS_ACCESS_KEY_ID: Secret.optional(),
  ENTREPOT_OSS_ACCESS_KEY_SECRET: Secret.optional(),
  ENTREPOT_OSS_STS_TOKEN: Secret.optional(),
  ENTREPOT_SCENE_FOLDER: FolderName.default('scenes'),
  ENTREPOT_RESULT_FOLDER: FolderName.default('results'),
  ENTREPOT_BUCKET_LIMIT: z.coerce.number().int().min(1).optional(),
  ENTREPOT_LOG: z.enum(['info', 'error']).default('error'),
  /** `address`: without the token, for where the first line ends in a log. */
  ENTREPOT_READY_LINE: z.enum(['link', 'address']).default('link'),
  LOCAL_FUNCTION_BUDGET_MS: z.coerce.number().int().min(1_000).default(30_000),
  MAX_CONCURRENT_UPLOADS: z.coerce.number().int().min(1).max(100).default(3),
  MAX_CONCURRENT_PARTS: z.coerce.number().int().min(1).max(64).default(5),
  /** Of one owner: transfers that have not ended. Whoever announces more is told to come back. */
  MAX_OPEN_TRANSFERS: z.coerce.number().int().min(8).max(100_000).default(10_000),
  /** Where webhooks may post to. `near`: also to this machine and its network, and there without encryption. */
  ENTREPOT_WEBHOOKS: z.enum(['near', 'public']).default('near'),
  /** A digest of every file that is staged, for its receipt. Absent: what somebody claims or needs, and no more. */
  ENTREPOT_RECEIPT_DIGEST: DigestAlgorithm.optional(),
  /** `open`: `/metrics` is told to anybody who reaches the port. */
  ENTREPOT_METRICS: z.enum(['open']).optional(),
  /** Where agents come in; 12382 is usual, absent: no agents. */
  ENTREPOT_AGENT_PORT: Port.optional(),
  /** Absent: as the page. */
  ENTREPOT_AGENT_HOST: z.string().min(1).optional(),
  /** Absent: the one in the data directory. */
  ENTREPOT_AGENT_KEY: Secret.min(16, 'a key has at least 16 characters').optional(),
  /** PEM; meant to be given as files, by the same names with `_FILE`. */
  ENTREPOT_AGENT_TLS_CERT: z.string().optional(),
  ENTREPOT_AGENT_TLS_KEY: z.string().optional(),
  /** `yes`: in clear text also to other machines. */
  ENTREPOT_AGENT_PLAIN: z.enum(['yes']).optional(),
  /** The way of parts' bytes. `auto`: straight from the bucket where an agent reaches it, else over its line. */
  ENTREPOT_AGENT_BYTES: z.enum(['auto', 'bucket', 'line']).default('auto'),
});
const Env = Variables.superRefine((env, context) => {
  if (env.ENTREPOT_SCENE_FOLDER === env.ENTREPOT_RESULT_FOLDER) {
    context.addIssue({ code: 'custom', path: ['ENTREPOT_RESULT_FOLDER'], message: 'another one than the scenes have' });
  }
  if ((env.ENTREPOT_AGENT_TLS_CERT === undefined) !== (env.ENTREPOT_AGENT_TLS_KEY === undefined)) {
    const missing = env.ENTREPOT_AGENT_TLS_CERT === undefined ? 'ENTREPOT_AGENT_TLS_CERT' : 'ENTREPOT_AGENT_TLS_KEY';
    context.addIssue({ code: 'custom', path: [missing], message: 'needed: certificate and key come together' });
  }
  const first = (names: readonly (keyof typeof env)[]) => names.find((name) => env[name] !== undefined);
  const s3 = first([...S3_NEEDED, ...S3_OPTIONAL]);
  const oss = first([...OSS_NEEDED, ...OSS_OPTIONAL]);
  if (s3 !== undefined && oss !== undefined) {
    context.addIssue({
      code: 'custom',
      path: [oss],
      message: `set beside ${s3}: files are staged in one store, choose`,
    });
    return;
  }
  const [given, needed] = s3 === undefined ? [oss, OSS_NEEDED] : [s3, S3_NEEDED];
  if (given === undefined) return;
  for (const name of needed) {
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

/** Of the bucket that `ENTREPOT_OSS_…` names; null: another one. */
export interface OssEnv {
  readonly endpoint: string;
  /** Without `oss-` before it. */
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly stsToken?: string;
  /** OSS itself wants the bucket in its name; an address has no name to put it into. */
  readonly forcePathStyle: boolean;
}

export function ossEnv(env: Env): OssEnv | null {
  const [endpoint, region, bucket, accessKeyId, accessKeySecret] = OSS_NEEDED.map((name) => env[name]);
  if (!endpoint || !region || !bucket || !accessKeyId || !accessKeySecret) return null;
  const { ENTREPOT_OSS_STS_TOKEN: stsToken } = env;
  return {
    endpoint,
    region,
    bucket,
    accessKeyId,
    accessKeySecret,
    ...(stsToken === undefined ? {} : { stsToken }),
    forcePathStyle: isBareAddress(new URL(endpoint).hostname),
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

function isWithoutPath(text: string): boolean {
  return !URL.canParse(text) || new URL(text).pathname === '/';
}

function isBareAddress(hostname: string): boolean {
  return hostname === 'localhost' || hostname.startsWith('[') || /^[\d.]+$/.test(hostname);
}
