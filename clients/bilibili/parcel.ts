/** One part on its way to Bilibili, and what was answered to it. How it is carried is the runtime's matter. */
import { Fault } from '#core/fault.ts';

/** A body of exactly `sizeBytes`. `open` is called again where the socket was dead before the first byte. */
export interface PartSource {
  readonly sizeBytes: number;
  open(): Promise<ReadableStream<Uint8Array>>;
}

export interface Parcel {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly source: PartSource;
  /** From the first byte sent to the last one received. */
  readonly timeoutMs: number;
}

export interface PartAnswer {
  readonly status: number;
  readonly text: string;
}

export const PART_ANSWER_BYTES_MAX = 64 * 1024;

/** The source gave more or less than it was said to have. */
export function sourceLength(sizeBytes: number): Fault {
  return new Fault('transient', 'bilibili.source_length', `the source does not have exactly ${sizeBytes} bytes`);
}
