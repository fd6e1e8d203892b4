/** One part over the wire: streamed, digested on the way, and compared with what the store says it received. */
import { UploadPartCommand, type UploadPartCommandOutput } from '@aws-sdk/client-s3';
import { refusalOf, statusOf } from '#clients/s3/refusal.ts';
import type { PartBody } from '#core/ports/provider.ts';
import { type OutgoingBody, outgoingBody } from './body.ts';
import { digesterFor } from './digester.ts';
import { badAnswer, partDamaged, s3Fault, sessionGone } from './faults.ts';
import { type Frame, frameFor } from './frame.ts';
import type { Link } from './link.ts';
import type { Proof } from './session.ts';
import { unquoted } from './tags.ts';

export interface PartTarget {
  readonly key: string;
  readonly uploadId: string;
  readonly number: number;
  readonly proof: Proof;
}

/** As the store names it, with the CRC that both sides computed. */
export interface SentPart {
  readonly etag: string;
  /** Base64. */
  readonly crc64nvme?: string;
}

type Source = Pick<PartBody, 'sizeBytes' | 'open'>;

/** A store closes a connection that was idle just when it is used again; what is sent into it is lost once, not twice. */
const TRIES = 2;

/**
 * Throws what the source threw, the signal's reason, or a Fault: `gone` `s3.session_gone` when the upload is no more, `transient`
 * `s3.part_damaged` when the store received other bytes.
 */
export async function sendPart(link: Link, to: PartTarget, source: Source, signal: AbortSignal): Promise<SentPart> {
  for (let tried = 1; ; tried++) {
    const digester = await digesterFor(to.proof);
    const frame = frameFor(to.proof, source.sizeBytes);
    const cut = new AbortController();
    const body = outgoingBody(source, frame, digester, () => cut.abort());
    try {
      const answer = await send(link, to, frame, body, AbortSignal.any([signal, cut.signal]));
      return compared(to.proof, answer, body);
    } catch (error) {
      signal.throwIfAborted();
      const failure = body.failure();
      if (failure !== null) throw failure.error;
      if (tried < TRIES && isCutConnection(error)) continue;
      const fault = partFault(error);
      // The ETags of a store cease to be MD5s when it begins to encrypt with keys of its own.
      if (fault.code === partDamaged().code) link.learnt.traits = null;
      throw fault;
    } finally {
      body.stream.destroy();
    }
  }
}

function send(link: Link, to: PartTarget, frame: Frame, body: OutgoingBody, signal: AbortSignal) {
  const command = new UploadPartCommand({
    Bucket: link.bucket,
    Key: to.key,
    UploadId: to.uploadId,
    PartNumber: to.number,
    Body: body.stream,
    ContentLength: frame.lengthBytes,
  });
  command.middlewareStack.add(
    (next) => (args) => {
      if (hasHeaders(args.request)) Object.assign(args.request.headers, frame.headers);
      return next(args);
    },
    { step: 'build', priority: 'low', name: 'entrepotFrame' },
  );
  return link.call(signal, (client, http) => client.send(command, http));
}

function compared(proof: Proof, answer: UploadPartCommandOutput, body: OutgoingBody): SentPart {
  const digest = body.digest();
  // A store that answers before it has everything has not received it.
  if (digest === null) throw partDamaged();
  if (answer.ETag === undefined) throw badAnswer('a part without an ETag');
  const etag = unquoted(answer.ETag);
  switch (proof) {
    case 'crc64nvme':
      if ((answer.ChecksumCRC64NVME ?? digest) !== digest) throw partDamaged();
      return { etag, crc64nvme: digest };
    case 'md5':
      if (etag.toLowerCase() !== digest) throw partDamaged();
      return { etag };
    case 'size':
      return { etag };
    default:
      return proof satisfies never;
  }
}

function partFault(error: unknown) {
  const { name, matter } = refusalOf(error);
  if (statusOf(error) === 404 && matter !== 'no-bucket') return sessionGone(error);
  if (name === 'BadDigest' || name === 'XAmzContentChecksumMismatch') return partDamaged();
  return s3Fault(error, 'sending a part');
}

function isCutConnection(error: unknown): boolean {
  return CUT.includes(refusalOf(error).name);
}

const CUT = ['ECONNRESET', 'EPIPE'];

function hasHeaders(request: unknown): request is { readonly headers: Record<string, string> } {
  return typeof request === 'object' && request !== null && 'headers' in request;
}
