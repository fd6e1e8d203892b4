/** The parts of an upload: put in order and once. */
import { isOssError } from '#clients/oss/faults.ts';
import { listParts } from '#clients/oss/listing.ts';
import { putPart } from '#clients/oss/multipart.ts';
import { type Sums, summing } from '#clients/oss/sums.ts';
import { Fault } from '#core/fault.ts';
import type { HeldPart, PartBody, PartReceipt } from '#core/ports/provider.ts';
import { type Link, told } from './link.ts';
import type { PartsSession } from './session.ts';

/**
 * A part that OSS has already, because an answer was lost, is adopted when it is ours to the byte. Throws Fault `gone`
 * `pan115.part_differs` when it is not: parts of a sequential upload cannot be put again.
 */
export async function put(to: Link, session: PartsSession, part: PartBody, signal: AbortSignal): Promise<PartReceipt> {
  const client = await to.bucket(session.bucket, signal);
  const upload = uploadOf(session);
  const putting = putPart(client, { ...upload, number: part.number, body: part }, signal).catch((error: unknown) => {
    if (isOssError(error, 'PartAlreadyExist')) return null;
    if (isOssError(error, 'PartNotSequential')) throw spoiled('pan115.parts_missing', 'an earlier part is not there');
    throw error;
  });
  const { number } = part;
  const stored = await told(signal, putting);
  if (stored !== null) return { number, tag: stored.md5 };
  const [held] = await told(signal, listParts(client, upload, { from: number, to: number }, signal));
  const own = await sumsOf(part, signal);
  const isOurs =
    held?.sizeBytes === part.sizeBytes && held.md5 === own.md5 && (held.crc64 === '' || held.crc64 === own.crc64);
  if (!isOurs) throw spoiled('pan115.part_differs', 'OSS holds other bytes of a part');
  return { number, tag: own.md5 };
}

/** Null when the upload is no more. What is listed may be taken: the SHA-1 of the whole is compared at the end. */
export async function heldParts(
  to: Link,
  session: PartsSession,
  range: { readonly from: number; readonly to: number },
  signal: AbortSignal,
): Promise<readonly HeldPart[] | null> {
  const client = await to.bucket(session.bucket, signal);
  const listing = listParts(client, uploadOf(session), range, signal).catch((error: unknown) => {
    if (isOssError(error, 'NoSuchUpload')) return null;
    throw error;
  });
  const listed = await told(signal, listing);
  return listed?.map(({ number, sizeBytes, md5 }) => ({ number, sizeBytes, tag: md5 })) ?? null;
}

export function uploadOf({ object, uploadId }: PartsSession) {
  return { key: object, uploadId };
}

/** Reads the part once more: the first time OSS did not let it come to its end. */
async function sumsOf(part: PartBody, signal: AbortSignal): Promise<Sums> {
  const { stream, sums } = await summing(await part.open());
  const reader = stream.getReader();
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done } = await reader.read();
      if (done) return sums();
    }
  } finally {
    await reader.cancel();
  }
}

function spoiled(code: string, what: string): Fault {
  return new Fault('gone', code, `${what}, and parts for 115 go in order and once: the file is sent again`);
}
