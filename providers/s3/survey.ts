/** Asks a store by a small try what it can prove, and whether we may do at all what a transfer needs. */
import { createHash } from 'node:crypto';
import { HeadBucketCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { s3Endpoint } from '#clients/s3/client.ts';
import { refusalOf, statusOf } from '#clients/s3/refusal.ts';
import { Fault } from '#core/fault.ts';
import type { CheckReport } from '#core/ports/provider.ts';
import { s3Fault } from './faults.ts';
import type { Link, Traits } from './link.ts';
import { sendPart } from './send-part.ts';
import type { Proof } from './session.ts';
import { abortUpload, beginUpload, type Checksums, listParts } from './uploads.ts';

/** Of uploads that are never finished, so that nothing ever stands there. */
const PROBE_NAME = '.entrepot-probe';
const PROBE_BYTES = Buffer.from('entrepot\n');
const PROBE_MD5 = createHash('md5').update(PROBE_BYTES).digest('hex');

const CHECKED_BY: Readonly<Record<Proof, string>> = {
  crc64nvme: 'a CRC64NVME of the whole',
  md5: 'the MD5 of each part',
  size: 'its size alone, since the ETags of this store are no MD5',
};

/**
 * What is known of the store, or a few requests to find out: an upload is begun, given one small part and given up. Throws the
 * Fault that a transfer would meet.
 */
export async function traitsOf(link: Link, signal: AbortSignal): Promise<Traits> {
  link.learnt.traits ??= await survey(link, signal);
  return link.learnt.traits;
}

/** As `traitsOf`, but always anew, and with what is needed only when something has gone wrong. */
export async function check(link: Link, signal: AbortSignal): Promise<CheckReport> {
  const traits = await survey(link, signal);
  link.learnt.traits = traits;
  const head = new HeadObjectCommand({ Bucket: link.bucket, Key: probeKey(link) });
  try {
    await link.call(signal, (client, http) => client.send(head, http));
  } catch (error) {
    signal.throwIfAborted();
    // Without the permission to list, S3 answers 403 for what is not there.
    if (statusOf(error) !== 404) throw s3Fault(error, 'looking at an object: s3:GetObject and s3:ListBucket');
  }
  return { message: `the bucket takes files, each checked by ${CHECKED_BY[traits.proof]}` };
}

async function survey(link: Link, signal: AbortSignal): Promise<Traits> {
  const checked = await tryUpload(link, 'crc64nvme', signal);
  const proof = checked ?? (await tryUpload(link, 'none', signal));
  if (proof === null) throw new Fault('bug', 's3.refused', 'the store takes no part of a plain upload');
  return { proof, copies: await canCopy(link, signal) };
}

/** Null when the store has taken the wish for checksums, but not a part that brings one. */
async function tryUpload(link: Link, checksums: Checksums, signal: AbortSignal): Promise<Proof | null> {
  const key = probeKey(link);
  const begun = await beginUpload(link, key, {}, checksums, signal);
  try {
    const proof = begun.checksums === 'crc64nvme' ? 'crc64nvme' : 'size';
    const target = { key, uploadId: begun.uploadId, number: 1, proof } as const;
    const tag = await sendPart(link, target, probeBody(), signal);
    const [listed] = (await listParts(link, key, begun.uploadId, { from: 1, to: 1 }, signal)) ?? [];
    if (proof === 'crc64nvme') return listed?.crc64nvme === tag.crc64nvme ? 'crc64nvme' : null;
    return tag.etag === PROBE_MD5 ? 'md5' : 'size';
  } catch (error) {
    signal.throwIfAborted();
    if (begun.checksums === 'crc64nvme' && error instanceof Fault && error.code === 's3.refused') return null;
    throw error;
  } finally {
    await abortUpload(link, key, begun.uploadId, signal);
  }
}

function probeBody() {
  const open = async () =>
    new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(PROBE_BYTES);
        controller.close();
      },
    });
  return { sizeBytes: PROBE_BYTES.byteLength, open };
}

/** The same store, and keys that can see the staging bucket: then they can most likely read it, too. */
async function canCopy(link: Link, signal: AbortSignal): Promise<boolean> {
  const { settings, staging } = link;
  if (settings.copy === 'stream' || staging.service !== 's3' || !isSameStore(s3Endpoint(settings), staging.endpoint)) {
    return false;
  }
  const head = new HeadBucketCommand({ Bucket: staging.bucket });
  try {
    await link.call(signal, (client, http) => client.send(head, http));
    return true;
  } catch (error) {
    signal.throwIfAborted();
    const { matter } = refusalOf(error);
    if (matter === 'unreachable' || matter === 'slow-down') throw s3Fault(error, 'looking at the staging bucket');
    return false;
  }
}

function isSameStore(one: string, other: string): boolean {
  const [first, second] = [URL.parse(one), URL.parse(other)];
  return first !== null && first.origin === second?.origin;
}

function probeKey({ settings }: Link): string {
  return `${settings.prefix}${PROBE_NAME}`;
}
