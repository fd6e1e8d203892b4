/**
 * Decides whether a form may put its file. The signature is over the policy, and the policy says what each field may hold: a field
 * that no condition names is refused, as is a condition that does not hold.
 */
import * as z from 'zod';
import type { Credential, Signature } from './authenticate.ts';
import { S3Error } from './errors.ts';
import { sameSignature, scopeOf, signedText, signingKey } from './sigv4.ts';

/** What a policy allows beyond what was checked when it was read. */
export interface Grant {
  readonly signature: Signature;
  readonly sizeBytesMin: number;
  readonly sizeBytesMax: number;
}

export type AuthenticateForm = (bucket: string, fields: ReadonlyMap<string, string>) => Grant;

/** `now` is in epoch milliseconds. The returned function throws S3Error for a form that may not pass. */
export function formAuthenticator(
  credentials: readonly Credential[],
  region: string,
  now: () => number,
): AuthenticateForm {
  const secrets = new Map(credentials.map((each) => [each.accessKeyId, each.secretAccessKey]));
  return (bucket, fields) => {
    const signature = readSignature(fields, region, secrets, now());
    const policy = readPolicy(fields.get('policy') ?? '');
    if (now() >= policy.expiresAtMs) denied('Policy expired.');
    checkFields(policy.conditions, bucket, fields);
    const ranges = policy.conditions.filter((each) => each.kind === 'size');
    return {
      signature,
      sizeBytesMin: Math.max(0, ...ranges.map((each) => each.min)),
      sizeBytesMax: Math.min(Number.MAX_SAFE_INTEGER, ...ranges.map((each) => each.max)),
    };
  };
}

const SKEW_MS_MAX = 15 * 60_000;
/** A signing key is good for a week. */
const AGE_MS_MAX = 7 * 24 * 3600_000;
const ALGORITHM = 'AWS4-HMAC-SHA256';
/** Fields that are not part of what is granted. */
const UNCONDITIONED = new Set(['policy', 'x-amz-signature', 'file']);

type Condition =
  | { readonly kind: 'eq' | 'starts-with'; readonly field: string; readonly value: string }
  | { readonly kind: 'size'; readonly min: number; readonly max: number };

const Match = z.tuple([z.enum(['eq', 'starts-with']), z.string().regex(/^\$./), z.string()]);
const Size = z.tuple([z.literal('content-length-range'), z.int().min(0), z.int().min(0)]);
const Equal = z.record(z.string(), z.string()).refine((each) => Object.keys(each).length === 1);
const Policy = z.object({
  expiration: z.iso.datetime(),
  conditions: z
    .array(z.union([Match, Size, Equal]))
    .min(1)
    .max(100),
});

function readSignature(
  fields: ReadonlyMap<string, string>,
  region: string,
  secrets: ReadonlyMap<string, string>,
  nowMs: number,
): Signature {
  const field = (name: string): string => fields.get(name) || missing(name);
  if (fields.has('awsaccesskeyid')) throw new S3Error('InvalidRequest', `Please use ${ALGORITHM}.`);
  const policy = field('policy');
  if (field('x-amz-algorithm') !== ALGORITHM) throw new S3Error('InvalidRequest', `Please use ${ALGORITHM}.`);
  if (fields.has('x-amz-security-token')) throw new S3Error('InvalidToken', 'This server issues no session tokens.');
  const credential = field('x-amz-credential').split('/');
  const [date = '', scopeRegion, service, terminator] = credential.slice(-4);
  if (credential.length < 5 || scopeRegion !== region || service !== 's3' || terminator !== 'aws4_request') {
    throw new S3Error('InvalidArgument', 'The credential is not key/date/region/s3/aws4_request.');
  }
  const amzDate = field('x-amz-date');
  const ageMs = nowMs - timeOf(amzDate);
  if (amzDate.slice(0, 8) !== date || !(ageMs <= AGE_MS_MAX && ageMs >= -SKEW_MS_MAX)) {
    denied('the date of the signature is not valid.');
  }
  const accessKeyId = credential.slice(0, -4).join('/');
  const secret = secrets.get(accessKeyId);
  if (secret === undefined) throw new S3Error('InvalidAccessKeyId');
  const scope = scopeOf(date, region);
  const key = signingKey(secret, scope);
  const hex = signedText(key, policy);
  if (!sameSignature(hex, field('x-amz-signature'))) throw new S3Error('SignatureDoesNotMatch');
  return { accessKeyId, payload: 'UNSIGNED-PAYLOAD', key, scope, amzDate, hex };
}

function readPolicy(text: string): { readonly expiresAtMs: number; readonly conditions: readonly Condition[] } {
  const parsed = Policy.safeParse(jsonOf(Buffer.from(text, 'base64').toString('utf8')));
  if (!parsed.success) throw new S3Error('InvalidPolicyDocument');
  const { expiration, conditions } = parsed.data;
  return { expiresAtMs: Date.parse(expiration), conditions: conditions.map(conditionOf) };
}

function conditionOf(given: z.infer<typeof Policy>['conditions'][number]): Condition {
  if (!Array.isArray(given)) {
    const [[field = '', value = ''] = []] = Object.entries(given);
    return { kind: 'eq', field: field.toLowerCase(), value };
  }
  if (given[0] === 'content-length-range') return { kind: 'size', min: given[1], max: given[2] };
  return { kind: given[0], field: given[1].slice(1).toLowerCase(), value: given[2] };
}

function checkFields(conditions: readonly Condition[], bucket: string, fields: ReadonlyMap<string, string>): void {
  const named = new Set<string>();
  for (const condition of conditions) {
    if (condition.kind === 'size') continue;
    const { kind, field, value } = condition;
    named.add(field);
    const given = field === 'bucket' ? bucket : fields.get(field);
    const isMet = given !== undefined && (kind === 'eq' ? given === value : given.startsWith(value));
    if (!isMet) denied(`Policy Condition failed: ["${kind}", "$${field}"]`);
  }
  if (fields.has('bucket') && fields.get('bucket') !== bucket) denied('the field bucket names another bucket.');
  const extra = [...fields.keys()].find(
    (name) => !named.has(name) && !UNCONDITIONED.has(name) && !name.startsWith('x-ignore-') && name !== 'bucket',
  );
  if (extra !== undefined) denied(`Extra input fields: ${extra}`);
}

function timeOf(amzDate: string): number {
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(amzDate) ?? [];
  const [year, month, day, hour, minute, second] = parts;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new S3Error('InvalidPolicyDocument');
  }
}

function missing(name: string): never {
  // A form without any of it is one that nobody signed.
  throw new S3Error('AccessDenied', `The form has no field ${name}.`);
}

function denied(why: string): never {
  throw new S3Error('AccessDenied', `Invalid according to Policy: ${why}`);
}
