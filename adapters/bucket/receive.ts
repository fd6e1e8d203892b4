/**
 * Takes in a request's body: undoes the aws-chunked framing, feeds a sink under back-pressure and checks everything that
 * the request claims about its bytes. Only when the returned promise has resolved may the sink's bytes count.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Signature } from './authenticate.ts';
import { type Checksum, type ChecksumClaim, checksumHasher, claimedChecksum, isChecksumValue } from './checksum.ts';
import { decodeChunks } from './chunked.ts';
import { S3Error } from './errors.ts';
import type { S3Request } from './request.ts';

export type Sink = (bytes: Buffer) => Promise<void> | void;

export interface Received {
  readonly sizeBytes: number;
  /** Names these bytes, without quotes. */
  readonly etag: string;
  /** Verified, of the whole body. */
  readonly checksum: Checksum | undefined;
}

/** What a body is read from; the server's one adds throttling and the answer to `Expect: 100-continue`. */
export type OpenBody = () => AsyncIterable<Buffer>;

/** 5 GiB, the most that one PUT may carry. */
export const BODY_BYTES_MAX = 5 * 1024 ** 3;

/**
 * How bytes get their ETag. `md5` as S3 does it where nothing is encrypted. `random` costs no pass over the bytes, and
 * looks like the ETag of a multipart upload, so that nobody takes it for an MD5.
 */
export type EtagKind = 'md5' | 'random';

interface Terms {
  readonly bytesMax?: number;
  readonly etag?: EtagKind;
}

/**
 * Throws MissingContentLength, EntityTooLarge, IncompleteBody, BadDigest, XAmzContentSHA256Mismatch,
 * SignatureDoesNotMatch (chunks), InvalidChunkSizeError, MalformedTrailerError.
 */
export async function receiveBody(
  request: S3Request,
  signature: Signature,
  open: OpenBody,
  sink: Sink,
  { bytesMax = BODY_BYTES_MAX, etag = 'md5' }: Terms = {},
): Promise<Received> {
  const mode = payloadMode(signature.payload);
  const expectedBytes = expectedLength(request, mode);
  if (expectedBytes > bytesMax) throw new S3Error('EntityTooLarge');
  const claim = claimedChecksum(request.header);
  if (claim !== undefined && claim.value === undefined && mode.framing?.trailers !== 'expected') {
    throw new S3Error('InvalidRequest', 'x-amz-trailer needs a x-amz-content-sha256 that ends in -TRAILER.');
  }
  const contentMd5 = claimedMd5(request);
  const md5 = etag === 'md5' || contentMd5 ? createHash('md5') : undefined;
  const sha256 = mode.sha256Hex === undefined ? undefined : createHash('sha256');
  const hasher = claim && (await checksumHasher(claim.algorithm));

  let sizeBytes = 0;
  const body = bodyOf(open(), mode, signature);
  let step = await body.next();
  try {
    for (; !step.done; step = await body.next()) {
      const bytes = step.value;
      sizeBytes += bytes.length;
      if (sizeBytes > expectedBytes) throw new S3Error('IncompleteBody');
      md5?.update(bytes);
      sha256?.update(bytes);
      hasher?.update(bytes);
      await sink(bytes);
    }
  } finally {
    await body.return(NO_TRAILERS);
  }
  const trailers = step.value;

  if (sizeBytes !== expectedBytes) throw new S3Error('IncompleteBody');
  const md5Digest = md5?.digest('hex');
  if (contentMd5 && contentMd5.toString('hex') !== md5Digest) throw new S3Error('BadDigest');
  if (sha256 && sha256.digest('hex') !== mode.sha256Hex) throw new S3Error('XAmzContentSHA256Mismatch');
  if (trailers.size !== (claim !== undefined && claim.value === undefined ? 1 : 0))
    throw new S3Error('MalformedTrailerError');
  const checksum = claim && hasher ? verified(claim, trailers, hasher.digest()) : undefined;
  return { sizeBytes, etag: md5Digest ?? `${randomBytes(16).toString('hex')}-1`, checksum };
}

/** Takes in a small document whole. Throws EntityTooLarge beyond `bytesMax`. */
export async function receiveText(
  request: S3Request,
  signature: Signature,
  open: OpenBody,
  bytesMax: number,
): Promise<{ readonly text: string; readonly received: Received }> {
  const pieces: Buffer[] = [];
  const received = await receiveBody(request, signature, open, (bytes) => void pieces.push(bytes), { bytesMax });
  return { text: Buffer.concat(pieces).toString('utf8'), received };
}

interface PayloadMode {
  readonly sha256Hex?: string;
  readonly framing?: { readonly isSigned: boolean; readonly trailers: 'none' | 'expected' };
}

const NO_TRAILERS: ReadonlyMap<string, string> = new Map();

function payloadMode(payload: string): PayloadMode {
  switch (payload) {
    case 'UNSIGNED-PAYLOAD':
      return {};
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
      return { framing: { isSigned: true, trailers: 'none' } };
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      return { framing: { isSigned: true, trailers: 'expected' } };
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return { framing: { isSigned: false, trailers: 'expected' } };
  }
  if (!/^[0-9a-f]{64}$/.test(payload)) {
    throw new S3Error(
      'InvalidArgument',
      'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- mode or a SHA-256.',
    );
  }
  return { sha256Hex: payload };
}

function expectedLength(request: S3Request, mode: PayloadMode): number {
  const text = mode.framing ? request.header('x-amz-decoded-content-length') : request.headers.get('content-length');
  if (text === undefined) throw new S3Error('MissingContentLength');
  if (!/^\d{1,15}$/.test(text)) throw new S3Error('InvalidArgument', 'The content length is no number.');
  return Number(text);
}

function claimedMd5(request: S3Request): Buffer | undefined {
  const text = request.headers.get('content-md5');
  if (text === undefined) return undefined;
  const digest = Buffer.from(text, 'base64');
  if (digest.length !== 16 || digest.toString('base64') !== text) throw new S3Error('InvalidDigest');
  return digest;
}

async function* bodyOf(
  source: AsyncIterable<Buffer>,
  mode: PayloadMode,
  signature: Signature,
): AsyncGenerator<Buffer, ReadonlyMap<string, string>> {
  if (mode.framing) {
    const chain = mode.framing.isSigned ? signature : undefined;
    return yield* decodeChunks(source, { chain, trailers: mode.framing.trailers });
  }
  yield* source;
  return NO_TRAILERS;
}

function verified(claim: ChecksumClaim, trailers: ReadonlyMap<string, string>, digest: Buffer): Checksum {
  const { algorithm } = claim;
  const inTrailer = trailers.get(`x-amz-checksum-${algorithm}`);
  const expected = claim.value ?? inTrailer;
  if (expected === undefined) throw new S3Error('MalformedTrailerError');
  if (!isChecksumValue(algorithm, expected)) {
    throw new S3Error('InvalidRequest', `Value for x-amz-checksum-${algorithm} trailing header is invalid.`);
  }
  const value = digest.toString('base64');
  if (value !== expected) {
    throw new S3Error(
      'BadDigest',
      `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
    );
  }
  return { algorithm, type: 'FULL_OBJECT', value };
}
