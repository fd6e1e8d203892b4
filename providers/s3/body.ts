/** A part on its way out: as many bytes as were promised, digested as they flow, never more of them held than a socket takes. */
import { Readable } from 'node:stream';
import { Fault } from '#core/fault.ts';
import type { PartBody } from '#core/ports/provider.ts';
import type { Digester } from './digester.ts';
import type { Frame } from './frame.ts';

export interface OutgoingBody {
  readonly stream: Readable;
  /** What went wrong with the source; null while nothing has. */
  failure(): { readonly error: unknown } | null;
  /** Of all the bytes, once they have flowed; null before. */
  digest(): string | null;
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/**
 * The source is opened when its first byte is wanted. Its failure, a wrong length among them, ends the stream and is told to
 * `onFailure`, since a pipe does not hear of it. Destroying the stream cancels the source.
 */
export function outgoingBody(
  part: Pick<PartBody, 'sizeBytes' | 'open'>,
  frame: Frame,
  digester: Digester,
  onFailure: () => void,
): OutgoingBody {
  let reader: Reader | null = null;
  let flowedBytes = 0;
  let failure: { readonly error: unknown } | null = null;
  let digest: string | null = null;

  async function opened(): Promise<Reader> {
    reader = (await part.open()).getReader();
    if (stream.destroyed) quit(reader, 'the request is over');
    return reader;
  }

  async function next(): Promise<Uint8Array | null> {
    const source = reader ?? (await opened());
    for (let read = await source.read(); !read.done; read = await source.read()) {
      if (read.value.byteLength === 0) continue;
      flowedBytes += read.value.byteLength;
      if (flowedBytes > part.sizeBytes) throw new Fault('bug', 's3.body_long', 'a part brought too many bytes');
      return read.value;
    }
    if (flowedBytes < part.sizeBytes) throw new Fault('transient', 's3.body_short', 'a part ended before its end');
    return null;
  }

  /** One push for each time it is asked: a second one would have the stream ask again while we wait for the source. */
  async function pass(): Promise<void> {
    if (digest !== null) return void stream.push(null);
    const isFirst = flowedBytes === 0;
    const piece = await next();
    const head = isFirst ? frame.head : '';
    if (piece !== null) {
      digester.update(piece);
      stream.push(head === '' ? piece : Buffer.concat([Buffer.from(head), piece]));
      return;
    }
    digest = digester.digest();
    const tail = head + frame.tail(digest);
    stream.push(tail === '' ? null : tail);
  }

  const stream: Readable = new Readable({
    read: () => {
      pass().catch((error: unknown) => {
        if (stream.destroyed) return;
        failure ??= { error };
        stream.destroy();
        onFailure();
      });
    },
    destroy: (error, callback) => {
      if (reader !== null) quit(reader, error ?? 'the request is over');
      callback(null);
    },
  });
  return { stream, failure: () => failure, digest: () => digest };
}

/** A source that has ended or failed already has nothing to cancel. */
function quit(reader: Reader, reason: unknown): void {
  reader.cancel(reason).catch(() => 'over already');
}
