/** How the requests that a library has signed are carried: the library's own way cannot be aborted and keeps answers of any size. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';

/** A body of exactly `sizeBytes`. `open` is called again when the request is repeated with newer keys. */
export interface OssBody {
  readonly sizeBytes: number;
  open(): Promise<ReadableStream<Uint8Array>>;
}

export interface Parcel {
  readonly method: string;
  /** As it was signed: sent to the letter, `..` and all. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  readonly body: string | OssBody | undefined;
  readonly signal: AbortSignal;
  /** Whether a good answer's body is wanted as a whole or as it comes. */
  readonly answer: 'whole' | 'stream';
}

export interface Delivery {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly data: Buffer;
  /** Set for `stream` and a status below 300: whoever asked for it reads it to its end or destroys it. */
  readonly stream: Readable | null;
}

export interface Transport {
  send(parcel: Parcel): Promise<Delivery>;
  /** Closes the idle sockets. */
  close(): void;
}

export const IDLE_TIMEOUT_MS = 60_000;
/** A page of 1,000 parts or objects with names of 1,023 bytes, each byte escaped, is under 4 MiB. */
export const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

/** Of bytes at hand. */
export function bodyOf(bytes: Uint8Array): OssBody {
  const open = async () =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes);
        controller.close();
      },
    });
  return { sizeBytes: bytes.byteLength, open };
}
