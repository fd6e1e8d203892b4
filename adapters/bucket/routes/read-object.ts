/** GetObject and HeadObject. */
import { checksumHeaders } from '../checksum.ts';
import { readVerdict } from '../conditions.ts';
import { type Call, type Context, objectOf, type Reply } from '../context.ts';
import { S3Error } from '../errors.ts';
import type { StoredObject } from '../objects.ts';
import { type ByteRange, contentRange, requestedRange } from '../range.ts';
import { readPieces } from '../read.ts';
import type { S3Request } from '../request.ts';

/**
 * One row is read, and its content pinned, before anything is awaited: whatever happens to the key meanwhile, all bytes
 * and headers are of one object.
 */
export function readObject(context: Context, call: Call): Reply {
  const { bucket, key } = objectOf(call);
  const { objects, blobs } = context.store;
  const { request } = call;
  context.store.requireBucket(bucket);
  const object = objects.find(bucket, key);
  if (!object) throw new S3Error('NoSuchKey', undefined, { Key: key });

  const validators = {
    etag: `"${object.etag}"`,
    'last-modified': new Date(object.modifiedMs).toUTCString(),
    ...(object.headers['cache-control'] ? { 'cache-control': object.headers['cache-control'] } : {}),
  };
  if (readVerdict(request.header, object) === 'not-modified') return { status: 304, headers: validators };

  const view = viewOf(context, request, object);
  const range = view.range ?? { start: 0, end: object.sizeBytes };
  const wantsChecksum = request.header('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED' && view.range === undefined;
  const headers = {
    'content-type': 'binary/octet-stream',
    ...object.headers,
    ...overrides(request),
    ...validators,
    'accept-ranges': 'bytes',
    'content-length': String(range.end - range.start),
    ...(wantsChecksum ? checksumHeaders(object.checksum) : {}),
    ...view.headers,
  };
  const status = view.range === undefined ? 200 : 206;
  if (request.method === 'HEAD') return { status, headers };
  const pieces = objects.pieces(object.content, range.start, range.end);
  const release = objects.pin(object.content);
  return { status, headers, content: { chunks: readPieces(blobs, pieces, range), release } };
}

interface View {
  /** Undefined for the whole object. */
  readonly range: ByteRange | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

function viewOf(context: Context, request: S3Request, object: StoredObject): View {
  const partNumber = request.query.get('partNumber');
  const { sizeBytes } = object;
  if (partNumber === undefined) {
    const range = isRangeWanted(request, object) ? requestedRange(request.header('range'), sizeBytes) : undefined;
    return { range, headers: range ? { 'content-range': contentRange(range, sizeBytes) } : {} };
  }
  if (request.header('range') !== undefined) {
    throw new S3Error('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter.');
  }
  const count = partCount(object);
  const piece = context.store.objects.piece(object.content, Number(partNumber));
  // An object that was put whole counts as one part, and an empty one has no piece.
  const range = piece ? { start: piece.start, end: piece.start + piece.sizeBytes } : { start: 0, end: 0 };
  if (!piece && !(partNumber === '1' && sizeBytes === 0)) throw new S3Error('InvalidPartNumber');
  const headers = {
    ...(range.end > range.start ? { 'content-range': contentRange(range, sizeBytes) } : {}),
    ...(count === undefined ? {} : { 'x-amz-mp-parts-count': count }),
  };
  return { range, headers };
}

/** The count behind the dash of a multipart ETag. */
function partCount(object: StoredObject): string | undefined {
  return /-(\d+)$/.exec(object.etag)?.[1];
}

/** `If-Range` with another entity tag or date turns a ranged request into a whole one (RFC 9110 §13.1.5). */
function isRangeWanted(request: S3Request, object: StoredObject): boolean {
  const condition = request.header('if-range');
  return condition === undefined || condition === `"${object.etag}"` || Date.parse(condition) === object.modifiedMs;
}

const OVERRIDABLE = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
] as const;

/** `response-*` parameters. They are part of the query, and the whole query is signed. */
function overrides(request: S3Request): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of OVERRIDABLE) {
    const value = request.query.get(`response-${name}`);
    if (value === undefined) continue;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they would end the header.
    if (/[\u0000-\u001f\u007f]/.test(value))
      throw new S3Error('InvalidArgument', `response-${name} is no header value.`);
    headers[name] = Buffer.from(value).toString('latin1');
  }
  return headers;
}
