/** PostObject: a file sent by an HTML form, under a policy that is signed by V4. */
import { createHmac } from 'node:crypto';
import type { Answer, Exchange } from './exchange.ts';
import { refuse, xml } from './refusal.ts';
import { assertSame, assertScope, instantOf, keyFor, keyOf, type Verifier } from './signature.ts';
import { md5 } from './store.ts';

export interface Form {
  readonly fields: ReadonlyMap<string, string>;
  readonly file: Buffer;
}

export async function formOf(body: Buffer, contentType: string): Promise<Form> {
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
  const fields = new Map([...form].flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])));
  const file = form.get('file');
  if (!(file instanceof Blob)) refuse(400, 'InvalidArgument', 'There is no file.');
  return { fields, file: Buffer.from(await file.arrayBuffer()) };
}

/** Throws the refusal that OSS would give. */
export function verifyForm({ fields, file }: Form, verifier: Verifier): void {
  const of = (name: string) => fields.get(name) ?? '';
  if (of('x-oss-signature-version') !== 'OSS4-HMAC-SHA256') refuse(403, 'AccessDenied', 'The form is not signed.');
  const [id = '', ...scope] = of('x-oss-credential').split('/');
  const date = of('x-oss-date');
  const key = keyOf(verifier, id, of('x-oss-security-token'));
  assertScope(scope, date, verifier.region);
  const signing = keyFor(key.accessKeySecret, date.slice(0, 8), verifier.region);
  assertSame(createHmac('sha256', signing).update(of('policy')).digest('hex'), of('x-oss-signature'));
  const policy = JSON.parse(Buffer.from(of('policy'), 'base64').toString());
  const isOver = !(Date.parse(policy.expiration) > verifier.now()) || !(instantOf(date) <= verifier.now() + 900_000);
  if (isOver) refuse(403, 'AccessDenied', 'Invalid according to Policy: Policy expired.');
  for (const condition of policy.conditions) assertCondition(condition, fields, file.length);
}

export function postObject({ form, store }: Exchange): Answer {
  const { fields, file } = form ?? refuse(400, 'InvalidArgument', 'There is no form.');
  const key = fields.get('key') ?? '';
  const contentType = fields.get('content-type') ?? 'application/octet-stream';
  const object = store.write(key, { bytes: file, etag: md5(file), contentType, meta: {} }, 'allowed');
  const headers = { etag: `"${object.etag}"`, 'content-type': 'application/xml' };
  if (fields.get('success_action_status') !== '201') return { status: 204, headers };
  return { status: 201, headers, body: xml('PostResponse', { Key: key, ETag: `"${object.etag}"` }) };
}

function assertCondition(condition: unknown, fields: ReadonlyMap<string, string>, sizeBytes: number): void {
  const [kind, first, second] = Array.isArray(condition) ? condition : named(condition);
  if (first === '$bucket') return;
  const isMet =
    kind === 'content-length-range' ? sizeBytes >= first && sizeBytes <= second : fields.get(first.slice(1)) === second;
  if (!isMet) refuse(403, 'AccessDenied', `Invalid according to Policy: Policy Condition failed: ${kind}.`);
}

/** `{ name: value }` says the same as `['eq', '$name', value]`. */
function named(condition: unknown): readonly [string, string, unknown] {
  const [name, value] = Object.entries(condition ?? {})[0] ?? ['', ''];
  return ['eq', `$${name}`, value];
}
