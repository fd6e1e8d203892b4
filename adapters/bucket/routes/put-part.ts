/** UploadPart and UploadPartCopy. */
import { createHash } from 'node:crypto';
import { type Checksum, checksumElement, checksumHasher, checksumHeaders } from '../checksum.ts';
import type { Call, Context, Reply } from '../context.ts';
import { S3Error } from '../errors.ts';
import { copiedRange } from '../range.ts';
import { readPieces } from '../read.ts';
import { BODY_BYTES_MAX, receiveBody } from '../receive.ts';
import type { Upload } from '../uploads.ts';
import { optional, xmlDocument } from '../xml.ts';
import { copySource } from './copy-object.ts';
import { partNumberParameter } from './parameters.ts';
import { uploadOf } from './uploads.ts';
import { keepBlob } from './write-object.ts';

export async function putPart(context: Context, call: Call): Promise<Reply> {
  const { request, signature, openBody } = call;
  const number = partNumberParameter(request.query);
  const upload = uploadOf(context, call);
  const { store } = context;
  const { name, result } = await store.blobs.write((sink) => receiveBody(request, signature, openBody, sink));
  const { sizeBytes, etag, checksum } = result;
  await keepBlob(context, name, () => {
    checkAlgorithm(upload, checksum);
    return store.uploads.putPart(upload, { number, sizeBytes, blob: name, etag, checksum });
  });
  const { 'x-amz-checksum-type': _, ...headers } = checksumHeaders(checksum);
  return { status: 200, headers: { etag: `"${etag}"`, ...headers } };
}

/** The bytes are read and written again: a part is a file of its own, and its ETag is the MD5 of its bytes. */
export async function copyPart(context: Context, call: Call): Promise<Reply> {
  const { request } = call;
  const number = partNumberParameter(request.query);
  const upload = uploadOf(context, call);
  const { store } = context;
  const { object } = copySource(context, request);
  const range = copiedRange(request.header('x-amz-copy-source-range'), object.sizeBytes);
  const sizeBytes = range.end - range.start;
  if (sizeBytes > BODY_BYTES_MAX) throw new S3Error('EntityTooLarge');
  const pieces = store.objects.pieces(object.content, range.start, range.end);
  const release = store.objects.pin(object.content);
  try {
    const { name, result } = await store.blobs.write(async (sink) => {
      const md5 = createHash('md5');
      const hasher = upload.checksum && (await checksumHasher(upload.checksum.algorithm));
      for await (const bytes of readPieces(store.blobs, pieces, range)) {
        md5.update(bytes);
        hasher?.update(bytes);
        // The reader fills its buffer anew, while the sink may keep what it was given.
        await sink(Buffer.from(bytes));
      }
      return { etag: md5.digest('hex'), checksum: hasher?.digest().toString('base64') };
    });
    const { etag } = result;
    const checksum: Checksum | undefined =
      upload.checksum && result.checksum !== undefined
        ? { algorithm: upload.checksum.algorithm, type: 'FULL_OBJECT', value: result.checksum }
        : undefined;
    const part = await keepBlob(context, name, () =>
      store.uploads.putPart(upload, { number, sizeBytes, blob: name, etag, checksum }),
    );
    return {
      status: 200,
      xml: xmlDocument('CopyPartResult', [
        ['LastModified', new Date(part.modifiedMs).toISOString()],
        ['ETag', `"${etag}"`],
        ...(checksum ? optional(checksumElement(checksum.algorithm), checksum.value) : []),
      ]),
    };
  } finally {
    release();
  }
}

/** An upload that was created with an algorithm needs it on every part; without one it takes any. */
function checkAlgorithm(upload: Upload, checksum: Checksum | undefined): void {
  const expected = upload.checksum?.algorithm;
  if (expected !== undefined && expected !== checksum?.algorithm) {
    throw new S3Error(
      'InvalidRequest',
      `Checksum Type mismatch occurred, expected checksum Type: ${expected}, actual checksum Type: ${checksum?.algorithm ?? 'null'}`,
    );
  }
}
