/** A body whose length is known before its bytes are. */

export interface SizedBody {
  readonly sizeBytes: number;
  readonly stream: ReadableStream<Uint8Array>;
}

/** What `fetch` is given, so that the far side is told the length. */
export interface Sendable {
  readonly body: ReadableStream<Uint8Array>;
  readonly headers: Readonly<Record<string, string>>;
}

/** Whose body it is: `area` begins the codes of its faults, and after the signal nobody reads it. */
export interface BodyUse {
  readonly area: string;
  readonly signal: AbortSignal;
}
