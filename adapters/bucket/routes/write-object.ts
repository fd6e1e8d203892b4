/** PutObject, DeleteObject and DeleteObjects. */
import { checksumHeaders } from '../checksum.ts';
import { bareEtag, requireMatch, writeCondition } from '../conditions.ts';
import { bucketOf, type Call, type Context, objectOf, type Reply } from '../context.ts';
import { S3Error } from '../errors.ts';
import { storedHeaders } from '../metadata.ts';
import { receiveBody, receiveText } from '../receive.ts';
import { optional, type XmlElement, xmlDocument } from '../xml.ts';
import { childText, malformed, parseXml } from '../xml-parse.ts';

export async function putObject(context: Context, call: Call): Promise<Reply> {
  const { bucket, key } = objectOf(call);
  const { request, signature, openBody } = call;
  const { store } = context;
  const headers = storedHeaders(request);
  const condition = writeCondition(request);
  store.requireBucket(bucket);
  condition(store.objects.find(bucket, key));

  const terms = { etag: context.etagKind(key) };
  const { name, result } = await store.blobs.write((sink) => receiveBody(request, signature, openBody, sink, terms));
  const { sizeBytes, etag, checksum } = result;
  const pieces = name === null ? [] : [{ number: 1, start: 0, sizeBytes, blob: name }];
  const change = await keepBlob(context, name, () =>
    store.objects.put(bucket, { key, sizeBytes, etag, headers, checksum }, pieces, condition),
  );
  context.publish(call, {
    name: 'ObjectCreated:Put',
    bucket,
    key,
    sequence: change.sequence,
    atMs: change.modifiedMs,
    object: { sizeBytes, etag },
  });
  return { status: 200, headers: { etag: `"${etag}"`, ...checksumHeaders(checksum) } };
}

/** Commits a row that names a blob, durably; when that is refused, the blob goes. */
export async function keepBlob<T>({ store }: Context, name: string | null, commit: () => T): Promise<T> {
  try {
    const committed = commit();
    await store.durable();
    return committed;
  } catch (error) {
    if (name !== null) await store.blobs.remove([name]);
    throw error;
  }
}

export function deleteObject(context: Context, call: Call): Reply {
  const { bucket, key } = objectOf(call);
  context.store.requireBucket(bucket);
  const match = call.request.header('if-match');
  const change = context.store.objects.remove(bucket, key, (current) => {
    if (match !== undefined) requireMatch(match, current);
  });
  if (change) publishRemoval(context, call, bucket, key, change);
  return { status: 204 };
}

/** All or nothing on disk, though each key is answered for itself. Up to 1000 keys. */
export async function deleteObjects(context: Context, call: Call): Promise<Reply> {
  const { request, signature, openBody } = call;
  const bucket = bucketOf(request);
  context.store.requireBucket(bucket);
  const { text, received } = await receiveText(request, signature, openBody, DELETE_BYTES_MAX);
  if (received.checksum === undefined && !request.headers.has('content-md5')) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*');
  }
  const document = parseXml(text, 'Delete');
  const targets = document.children
    .filter((node) => node.name === 'Object')
    .map((node) => {
      const key = childText(node, 'Key') || malformed('An object without a key.');
      return { key, etag: childText(node, 'ETag'), versionId: childText(node, 'VersionId') };
    });
  if (targets.length === 0 || targets.length > DELETE_KEYS_MAX) malformed(`Between 1 and ${DELETE_KEYS_MAX} keys.`);
  const isQuiet = childText(document, 'Quiet') === 'true';

  const outcomes = context.store.transaction(() => targets.map((target) => removeOne(context, bucket, target)));
  const results: XmlElement[] = [];
  for (const { key, change, failure } of outcomes) {
    if (change) publishRemoval(context, call, bucket, key, change);
    if (failure)
      results.push([
        'Error',
        [
          ['Key', key],
          ['Code', failure.code],
          ['Message', failure.message],
        ],
      ]);
    else if (!isQuiet) results.push(['Deleted', [...optional('Key', key)]]);
  }
  return { status: 200, xml: xmlDocument('DeleteResult', results) };
}

/** 1000 keys of 1024 bytes, every character of them an entity in the worst case, and the elements around them. */
const DELETE_BYTES_MAX = 8 * 1024 * 1024;
const DELETE_KEYS_MAX = 1000;

interface Target {
  readonly key: string;
  readonly etag: string | undefined;
  readonly versionId: string | undefined;
}

function removeOne({ store }: Context, bucket: string, { key, etag, versionId }: Target) {
  try {
    if (versionId !== undefined && versionId !== 'null') throw new S3Error('NotImplemented', 'There are no versions.');
    const change = store.objects.remove(bucket, key, (current) => {
      if (etag !== undefined) requireMatch(bareEtag(etag), current);
    });
    return { key, change, failure: undefined };
  } catch (failure) {
    if (!(failure instanceof S3Error)) throw failure;
    return { key, change: undefined, failure };
  }
}

function publishRemoval(
  context: Context,
  call: Call,
  bucket: string,
  key: string,
  change: { readonly sequence: number; readonly modifiedMs: number },
): void {
  const { sequence, modifiedMs } = change;
  context.publish(call, { name: 'ObjectRemoved:Delete', bucket, key, sequence, atMs: modifiedMs });
}
