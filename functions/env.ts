/** The environment of the cloud home: what is plain, what is secret, and which entry needs which. */
import * as z from 'zod';
import { DigestAlgorithm } from '#core/wire/digest.ts';

const HttpUrl = z
  .url({ protocol: /^https?$/ })
  .transform((url) => url.replace(/\/+$/, ''))
  .describe('without a slash at its end');

/** Of every entry, the relay's too. */
const shared = {
  AWS_REGION: z.string().regex(/^[a-z0-9-]{1,64}$/, 'a region is like us-east-1'),
  ENTREPOT_TABLE: z.string().regex(/^[\w.-]{3,255}$/, 'a table name has 3 to 255 letters, digits, dots and hyphens'),
  ENTREPOT_BUCKET: z.string().regex(/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/, 'a bucket name has 3 to 63 characters'),
  ENTREPOT_HINTS_QUEUE_URL: HttpUrl,
  ENTREPOT_LOG: z.enum(['info', 'error']).default('error'),
  MAX_CONCURRENT_UPLOADS: z.coerce.number().int().min(1).max(100).default(3),
  MAX_CONCURRENT_PARTS: z.coerce.number().int().min(1).max(64).default(5),
  /** Of one owner: transfers that have not ended. Whoever announces more is told to come back. */
  MAX_OPEN_TRANSFERS: z.coerce.number().int().min(8).max(100_000).default(10_000),
  /** A digest of every file that is staged, for its receipt. Absent: what somebody claims or needs, and no more. */
  ENTREPOT_RECEIPT_DIGEST: DigestAlgorithm.optional(),
  // The SDK's own names; absent: AWS's endpoints of the region.
  AWS_ENDPOINT_URL_DYNAMODB: HttpUrl.optional(),
  AWS_ENDPOINT_URL_S3: HttpUrl.optional(),
  AWS_ENDPOINT_URL_SQS: HttpUrl.optional(),
};

export const CloudEnv = z.object(shared);
export type CloudEnv = z.infer<typeof CloudEnv>;

/** Where progress is posted to. */
export const FunctionEnv = z.object({
  ...shared,
  ENTREPOT_RELAY_URL: HttpUrl,
  /** Its relay takes agents: destinations may be placed there. */
  ENTREPOT_AGENTS: z.literal('yes').optional(),
});
export type FunctionEnv = z.infer<typeof FunctionEnv>;

/** The address that people and other programs know: page, API and sockets. */
export const ApiFunctionEnv = z.object({ ...FunctionEnv.shape, ENTREPOT_PAGE_URL: HttpUrl });

const Key = z
  .string()
  .min(32, 'a key has at least 32 characters')
  .max(512)
  .regex(/^[\x21-\x7e]*$/, 'a key has no spaces and nothing beyond ASCII');

/** By the names that they have as variables; in a function they come by links of `resources.ts`. */
const SECRETS = {
  /** The owner's bearer token. */
  ENTREPOT_TOKEN: z
    .string()
    .min(16, 'a token has at least 16 characters')
    .max(512)
    .regex(/^[\x21-\x7e]*$/, 'a token has no spaces and nothing beyond ASCII'),
  /** Seals the credentials of destinations: 32 bytes. Lost, they have to be given again. */
  ENTREPOT_SEAL_KEY: z.base64().refine((text) => Buffer.from(text, 'base64').byteLength === 32, 'is not 32 bytes'),
  /** Signs what functions post to the relay. */
  ENTREPOT_PROGRESS_KEY: Key,
  /** Signs the tickets of sockets. */
  ENTREPOT_TICKET_KEY: Key,
  /** Signs the addresses that are given to Uppy. */
  ENTREPOT_CAPABILITY_KEY: Key,
  /** Lets agents in: who has it is told credentials. */
  ENTREPOT_AGENT_KEY: Key,
  /** Signs the tokens that agents are given. */
  ENTREPOT_AGENT_TOKEN_KEY: Key,
} as const;
export type SecretName = keyof typeof SECRETS;

/** What each entry is given, and no more. */
export const SECRETS_OF = {
  api: [
    'ENTREPOT_TOKEN',
    'ENTREPOT_SEAL_KEY',
    'ENTREPOT_PROGRESS_KEY',
    'ENTREPOT_TICKET_KEY',
    'ENTREPOT_CAPABILITY_KEY',
  ],
  staged: ['ENTREPOT_PROGRESS_KEY'],
  move: ['ENTREPOT_SEAL_KEY', 'ENTREPOT_PROGRESS_KEY'],
  sweep: ['ENTREPOT_PROGRESS_KEY'],
  relay: ['ENTREPOT_SEAL_KEY', 'ENTREPOT_PROGRESS_KEY', 'ENTREPOT_TICKET_KEY'],
  /** Of a relay that takes agents, in addition. */
  agents: ['ENTREPOT_AGENT_KEY', 'ENTREPOT_AGENT_TOKEN_KEY'],
  worker: ['ENTREPOT_TOKEN', 'ENTREPOT_SEAL_KEY', 'ENTREPOT_TICKET_KEY', 'ENTREPOT_CAPABILITY_KEY'],
} as const satisfies Readonly<Record<string, readonly SecretName[]>>;

type Given = Readonly<Record<string, string | undefined>>;

/** Throws an Error that names each variable that is wrong, and quotes none. An empty variable counts as absent. */
export function readEnv<Shape extends z.ZodObject>(schema: Shape, variables: Given): z.output<Shape> {
  const given = Object.fromEntries(
    Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new Error(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
}

/** Those that are named, each checked. Throws as `readEnv` does. */
export function readSecrets<Name extends SecretName>(names: readonly Name[], given: Given): Record<Name, string> {
  const schema = z.object(Object.fromEntries(names.map((name) => [name, SECRETS[name]])));
  // Each name has a schema whose output is a string.
  return readEnv(schema, given) as Record<Name, string>;
}
