/** PostObject: a file sent by an HTML form under a signed policy. */
import { createHash } from 'node:crypto';
import { type Checksum, checksumHasher, checksumHeaders, claimedChecksum } from '../checksum.ts';
import { bucketOf, type Call, type Context, type Reply } from '../context.ts';
import { S3Error } from '../errors.ts';
import { formBoundary, openForm } from '../form-data.ts';
import { storedHeaders } from '../metadata.ts';
import type { AuthenticateForm, Grant } from '../post-policy.ts';
import { BODY_BYTES_MAX } from '../receive.ts';
import { KEY_BYTES_MAX, type S3Request } from '../request.ts';
import { xmlDocument } from '../xml.ts';
import { keepBlob } from './write-object.ts';

/** A form brings its signature in its body: nothing of it can be told from the request's head. */
export function isPostForm({ method, bucket, key, query, headers }: S3Request): boolean {
  const isSigned = headers.has('authorization') || query.has('X-Amz-Signature');
  const isForm = formBoundary(headers.get('content-type')) !== undefined;
  return method === 'POST' && bucket !== undefined && key === undefined && isForm && !isSigned && !query.has('delete');
}

export async function postObject(
  context: Context,
  authenticate: AuthenticateForm,
  { request, openBody }: Omit<Call, 'signature'>,
): Promise<Reply> {
  const bucket = bucketOf(request);
  const { store } = context;
  const length = request.headers.get('content-length');
  if (length === undefined) throw new S3Error('MissingContentLength');
  const form = await openForm(formBoundary(request.headers.get('content-type')) ?? '', openBody());
  try {
    const grant = authenticate(bucket, form.fields);
    const key = keyOf(form.fields);
    const fields = asRequest(request, form.fields);
    const headers = storedHeaders(fields);
    const status = statusOf(form.fields);
    store.requireBucket(bucket);

    const { name, result } = await store.blobs.write((sink) => receiveFile(form.file, fields, grant, sink));
    const { sizeBytes, etag, checksum } = result;
    const pieces = name === null ? [] : [{ number: 1, start: 0, sizeBytes, blob: name }];
    const change = await keepBlob(context, name, () =>
      store.objects.put(bucket, { key, sizeBytes, etag, headers, checksum }, pieces, () => undefined),
    );
    context.publish(
      { request, signature: grant.signature, openBody },
      {
        name: 'ObjectCreated:Post',
        bucket,
        key,
        sequence: change.sequence,
        atMs: change.modifiedMs,
        object: { sizeBytes, etag },
      },
    );
    return answer(request, status, { bucket, key, etag, checksum });
  } finally {
    await form.close();
  }
}

const STATUSES = new Map([
  ['200', 200],
  ['201', 201],
  ['204', 204],
]);

async function receiveFile(
  file: AsyncIterable<Buffer>,
  fields: S3Request,
  { sizeBytesMin, sizeBytesMax }: Grant,
  sink: (bytes: Buffer) => Promise<void> | void,
): Promise<{ readonly sizeBytes: number; readonly etag: string; readonly checksum: Checksum | undefined }> {
  const claim = claimedChecksum(fields.header);
  const hasher = claim && (await checksumHasher(claim.algorithm));
  const most = Math.min(sizeBytesMax, BODY_BYTES_MAX);
  const md5 = createHash('md5');
  let sizeBytes = 0;
  for await (const bytes of file) {
    sizeBytes += bytes.length;
    if (sizeBytes > most) throw new S3Error('EntityTooLarge');
    md5.update(bytes);
    hasher?.update(bytes);
    await sink(bytes);
  }
  if (sizeBytes < sizeBytesMin) throw new S3Error('EntityTooSmall');
  const value = hasher?.digest().toString('base64');
  if (claim && value !== claim.value) throw new S3Error('BadDigest');
  const checksum: Checksum | undefined =
    claim && value !== undefined ? { algorithm: claim.algorithm, type: 'FULL_OBJECT', value } : undefined;
  return { sizeBytes, etag: md5.digest('hex'), checksum };
}

function keyOf(fields: ReadonlyMap<string, string>): string {
  const key = fields.get('key') ?? '';
  if (key === '') throw new S3Error('InvalidArgument', 'The form has no key.');
  // biome-ignore lint/suspicious/noTemplateCurlyInString: S3's own placeholder.
  if (key.includes('${filename}')) throw new S3Error('NotImplemented', 'A key with a placeholder is not implemented.');
  if (Buffer.byteLength(key) > KEY_BYTES_MAX) throw new S3Error('KeyTooLongError');
  return key;
}

/** Fields that are headers elsewhere, read by the same rules. Header values are latin1 views of their bytes. */
function asRequest(request: S3Request, fields: ReadonlyMap<string, string>): S3Request {
  const headers = new Map<string, string>();
  for (const [name, value] of fields) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what no header could have carried.
    if (/[\u0000-\u001f\u007f]/.test(value) && name !== 'policy' && name !== 'key') {
      throw new S3Error('InvalidArgument', `The field ${name} is no header value.`);
    }
    headers.set(name === 'acl' ? 'x-amz-acl' : name, Buffer.from(value).toString('latin1'));
  }
  for (const name of ['tagging', 'redirect', 'success_action_redirect']) {
    if (headers.has(name)) throw new S3Error('NotImplemented', `The field ${name} is not implemented.`);
  }
  return { ...request, headers, query: new Map(), header: (name) => headers.get(name) };
}

/** As AWS has it, a status that is none of the three is the empty answer. */
function statusOf(fields: ReadonlyMap<string, string>): number {
  return STATUSES.get(fields.get('success_action_status') ?? '204') ?? 204;
}

function answer(
  request: S3Request,
  status: number,
  object: {
    readonly bucket: string;
    readonly key: string;
    readonly etag: string;
    readonly checksum: Checksum | undefined;
  },
): Reply {
  const { bucket, key, etag, checksum } = object;
  const host = request.headers.get('host') ?? '';
  const base = request.path.endsWith('/') ? request.path : `${request.path}/`;
  const location = `http://${host}${encodeURI(base)}${key.split('/').map(encodeURIComponent).join('/')}`;
  const headers = { etag: `"${etag}"`, location, ...checksumHeaders(checksum) };
  if (status !== 201) return { status, headers };
  return {
    status,
    headers,
    xml: xmlDocument('PostResponse', [
      ['Location', location],
      ['Bucket', bucket],
      ['Key', key],
      ['ETag', `"${etag}"`],
    ]),
  };
}
