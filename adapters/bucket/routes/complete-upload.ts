/**
 * CompleteMultipartUpload. The listed parts become the pieces of one object within one transaction, so its cost depends
 * on their number and not on their size. The answer is remembered: a client that lost it and asks again gets it again.
 */
import { createHash } from 'node:crypto';
import { combineCrc, isCrc } from '#core/crc.ts';
import { CHECKSUM_ALGORITHMS, type Checksum, checksumElement, checksumHasher } from '../checksum.ts';
import { bareEtag, writeCondition } from '../conditions.ts';
import { type Call, type Context, objectOf, type Reply } from '../context.ts';
import { S3Error } from '../errors.ts';
import type { Piece } from '../objects.ts';
import { receiveText } from '../receive.ts';
import type { S3Request } from '../request.ts';
import type { Completed, Part, Upload } from '../uploads.ts';
import { type XmlElement, xmlDocument } from '../xml.ts';
import { childText, malformed, parseXml, type XmlNode } from '../xml-parse.ts';

export async function completeUpload(context: Context, call: Call): Promise<Reply> {
  const { request, signature, openBody } = call;
  const target = objectOf(call);
  const { store } = context;
  store.requireBucket(target.bucket);
  const condition = writeCondition(request);
  const uploadId = request.query.get('uploadId') ?? '';
  const { text } = await receiveText(requestWithoutObjectChecksum(request), signature, openBody, LIST_BYTES_MAX);
  const listed = parseXml(text, 'CompleteMultipartUpload')
    .children.filter((node) => node.name === 'Part')
    .map(listedPart);
  if (listed.length === 0 || listed.length > PARTS_MAX) malformed();

  const earlier = store.uploads.completed(target, uploadId);
  if (earlier) return repeated(earlier, listed, call);

  const upload = store.uploads.find(target, uploadId);
  const parts = chosenParts(listed, store.uploads.parts(uploadId, 0, PARTS_MAX), upload);
  const etag = multipartEtag(parts.map((part) => part.etag));
  const checksum = await objectChecksum(upload, parts);
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  checkObjectClaims(request, checksum, sizeBytes);
  const object = { key: target.key, sizeBytes, etag, headers: upload.headers, checksum };

  // Asked again, since preparing the checksum has let other requests in between; from here on nothing is awaited.
  const meanwhile = store.uploads.completed(target, uploadId);
  if (meanwhile) return repeated(meanwhile, listed, call);
  const change = store.transaction(() => {
    store.uploads.find(target, uploadId);
    const made = store.objects.put(target.bucket, object, piecesOf(parts), condition);
    store.uploads.end(uploadId, new Set(parts.flatMap((part) => part.blob ?? [])));
    store.uploads.remember(upload, { etag, checksum });
    return made;
  });
  context.publish(call, {
    name: 'ObjectCreated:CompleteMultipartUpload',
    ...target,
    sequence: change.sequence,
    atMs: change.modifiedMs,
    object: { sizeBytes, etag },
  });
  return reply({ etag, checksum }, call);
}

const PARTS_MAX = 10_000;
/** 10,000 parts with a SHA-256 each are 2.2 MB. */
const LIST_BYTES_MAX = 8 * 1024 * 1024;
/** Of every part but the last. */
const PART_BYTES_MIN = 5 * 1024 * 1024;

interface ListedPart {
  readonly number: number;
  readonly etag: string;
  readonly node: XmlNode;
}

/** A checksum header here speaks of the object, not of the body that lists its parts. */
function requestWithoutObjectChecksum(request: S3Request): S3Request {
  return { ...request, header: (name) => (name.startsWith('x-amz-checksum-') ? undefined : request.header(name)) };
}

function listedPart(node: XmlNode): ListedPart {
  const number = childText(node, 'PartNumber')?.trim() ?? '';
  const etag = childText(node, 'ETag');
  if (!/^\d{1,5}$/.test(number) || etag === undefined) malformed();
  return { number: Number(number), etag: bareEtag(etag), node };
}

function chosenParts(listed: readonly ListedPart[], stored: readonly Part[], upload: Upload): Part[] {
  const byNumber = new Map(stored.map((part) => [part.number, part]));
  if (listed.some(({ number }, index) => number <= (listed[index - 1]?.number ?? 0)))
    throw new S3Error('InvalidPartOrder');
  return listed.map(({ number, etag, node }, index) => {
    const part = byNumber.get(number);
    if (part?.etag !== etag) throw new S3Error('InvalidPart', undefined, { PartNumber: String(number), ETag: etag });
    checkListedChecksum(node, part, upload);
    if (part.sizeBytes < PART_BYTES_MIN && index < listed.length - 1) {
      throw new S3Error('EntityTooSmall', undefined, {
        PartNumber: String(number),
        ProposedSize: String(part.sizeBytes),
        MinSizeAllowed: String(PART_BYTES_MIN),
      });
    }
    return part;
  });
}

function checkListedChecksum(node: XmlNode, part: Part, upload: Upload): void {
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const given = childText(node, checksumElement(algorithm));
    const isKept = part.checksum?.algorithm === algorithm;
    if (given !== undefined && !(isKept && part.checksum?.value === given)) {
      throw new S3Error('InvalidPart', undefined, { PartNumber: String(part.number) });
    }
    if (given === undefined && upload.checksum?.type === 'COMPOSITE' && upload.checksum.algorithm === algorithm) {
      throw new S3Error(
        'InvalidRequest',
        `The upload was created using a ${algorithm} checksum. The complete request must include the checksum for each part. ` +
          `It was missing for part ${part.number} in the request.`,
      );
    }
  }
}

function multipartEtag(etags: readonly string[]): string {
  const md5 = createHash('md5');
  for (const etag of etags) md5.update(etag, 'hex');
  return `${md5.digest('hex')}-${etags.length}`;
}

async function objectChecksum(upload: Upload, parts: readonly Part[]): Promise<Checksum | undefined> {
  if (!upload.checksum) return undefined;
  const { algorithm, type } = upload.checksum;
  const digests = parts.map((part) => ({
    digest: Buffer.from(part.checksum?.value ?? '', 'base64'),
    sizeBytes: part.sizeBytes,
  }));
  if (type === 'FULL_OBJECT' && isCrc(algorithm)) {
    return { algorithm, type, value: combineCrc(algorithm, digests).toString('base64') };
  }
  const hasher = await checksumHasher(algorithm);
  for (const { digest } of digests) hasher.update(digest);
  return { algorithm, type, value: `${hasher.digest().toString('base64')}-${parts.length}` };
}

/** What the completing client says of the object as a whole. Throws BadDigest, InvalidRequest. */
function checkObjectClaims(request: S3Request, checksum: Checksum | undefined, sizeBytes: number): void {
  const type = request.header('x-amz-checksum-type')?.toUpperCase();
  if (type !== undefined && type !== checksum?.type) {
    throw new S3Error('InvalidRequest', `The upload was not created using the ${type} checksum mode.`);
  }
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const claimed = request.header(`x-amz-checksum-${algorithm}`);
    if (claimed === undefined) continue;
    const isSame =
      checksum?.algorithm === algorithm && checksum.value.replace(/-\d+$/, '') === claimed.replace(/-\d+$/, '');
    if (!isSame) throw new S3Error('BadDigest');
  }
  const size = request.header('x-amz-mp-object-size');
  if (size !== undefined && size !== String(sizeBytes)) {
    throw new S3Error(
      'InvalidRequest',
      `The provided x-amz-mp-object-size is ${size}, the parts have ${sizeBytes} bytes.`,
    );
  }
}

function piecesOf(parts: readonly Part[]): Piece[] {
  let start = 0;
  return parts.map(({ sizeBytes, blob }, index) => {
    const piece = { number: index + 1, start, sizeBytes, blob };
    start += sizeBytes;
    return piece;
  });
}

/** A repeat names the same parts; another list for a finished upload is no repeat. */
function repeated(earlier: Completed, listed: readonly ListedPart[], call: Call): Reply {
  if (multipartEtag(listed.map((part) => part.etag)) !== earlier.etag) throw new S3Error('NoSuchUpload');
  return reply(earlier, call);
}

function reply({ etag, checksum }: Completed, call: Call): Reply {
  const { bucket, key } = objectOf(call);
  const checksums: XmlElement[] = checksum
    ? [
        [checksumElement(checksum.algorithm), checksum.value],
        ['ChecksumType', checksum.type],
      ]
    : [];
  const host = call.request.headers.get('host') ?? '';
  return {
    status: 200,
    xml: xmlDocument('CompleteMultipartUploadResult', [
      ['Location', `http://${host}${encodeURI(call.request.path)}`],
      ['Bucket', bucket],
      ['Key', key],
      ['ETag', `"${etag}"`],
      ...checksums,
    ]),
  };
}
