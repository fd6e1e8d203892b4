/** One presigned PUT of one chunk, and what its answer means. */
import type { ChunkTicket } from '#core/wire/upload.ts';
import { retryAfterMs } from './backoff.ts';

/** A chunk that moved no byte for this long is taken back and sent again. */
export const STALL_MS = 30_000;
/** Once the last byte is handed over, what is left is the line's own buffers and the answer: slow lines need time for both. */
export const ANSWER_MS = 90_000;

export interface PutRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Blob;
  readonly signal: AbortSignal;
  /** Bytes of the body handed to the network so far. */
  readonly onProgress: (sentBytes: number) => void;
}

export interface PutAnswer {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  /** The store's own name for its refusal, where it gave one: `FileAlreadyExists`. */
  readonly code?: string;
}

/** Resolves with the answer, rejects when there was none. Rejects soon after `signal` is aborted. */
export type PutTransport = (request: PutRequest) => Promise<PutAnswer>;

/**
 * - `staged`: the bucket has the chunk (200), or had it already (412, of OSS 409 `FileAlreadyExists`): keys are write-once, so
 *   what is there is ours
 * - `conflict`: another PUT of the same key is under way (any other 409)
 * - `denied`: the ticket is not good (403, of R2 400 `ExpiredRequest`)
 * - `busy`: the bucket asks for less (429, 503) · `stalled`: no progress for 30 s · `lost`: no answer, or another 5xx
 * - `refused`: any other answer; sending it again would bring the same · `aborted`: by us
 */
export type PutOutcome =
  | { readonly kind: 'staged' | 'conflict' | 'denied' | 'stalled' | 'lost' | 'aborted' }
  | { readonly kind: 'busy'; readonly retryAfterMs: number | undefined }
  | { readonly kind: 'refused'; readonly status: number };

export interface Timers {
  /** Calls back once after `ms`, unless the answer was called first. */
  readonly after: (ms: number, callback: () => void) => () => void;
}

/** Sends `body` with exactly the ticket's headers. Never rejects. */
export async function putChunk(
  transport: PutTransport,
  timers: Timers,
  ticket: ChunkTicket,
  body: Blob,
  signal: AbortSignal,
  onProgress: (sentBytes: number) => void,
): Promise<PutOutcome> {
  const stall = new AbortController();
  let disarm = timers.after(STALL_MS, () => stall.abort());
  let seenBytes = 0;
  try {
    const answer = await transport({
      url: ticket.url,
      headers: ticket.headers,
      body,
      signal: AbortSignal.any([signal, stall.signal]),
      onProgress(sentBytes) {
        if (sentBytes <= seenBytes) return;
        seenBytes = sentBytes;
        disarm();
        disarm = timers.after(sentBytes < body.size ? STALL_MS : ANSWER_MS, () => stall.abort());
        onProgress(sentBytes);
      },
    });
    return outcomeOf(answer);
  } catch {
    // A transport's own reason says nothing: browsers hide it. Which signal fired does.
    if (signal.aborted) return { kind: 'aborted' };
    return { kind: stall.signal.aborted ? 'stalled' : 'lost' };
  } finally {
    disarm();
  }
}

/** By XMLHttpRequest, because `fetch` does not tell how much of a body has been sent. */
export const xhrTransport: PutTransport = ({ url, headers, body, signal, onProgress }) =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    request.open('PUT', url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onload = () => {
      const code = codeIn(request.responseText);
      resolve({
        status: request.status,
        retryAfterMs: retryAfterMs(request.getResponseHeader('retry-after'), Date.now()),
        ...(code === undefined ? {} : { code }),
      });
    };
    request.onerror = () => reject(new Error('no answer'));
    request.onabort = () => reject(new Error('aborted'));
    request.onloadend = () => signal.removeEventListener('abort', stop);
    signal.addEventListener('abort', stop);
    request.send(body);
  });

/** Stores say why in a few lines of XML. */
function codeIn(text: string): string | undefined {
  return /<Code>(\w{1,64})<\/Code>/.exec(text.slice(0, 2_000))?.[1];
}

function outcomeOf({ status, retryAfterMs, code }: PutAnswer): PutOutcome {
  if (status >= 200 && status < 300) return { kind: 'staged' };
  if (status === 412) return { kind: 'staged' };
  if (status === 409) return { kind: code === 'FileAlreadyExists' ? 'staged' : 'conflict' };
  if (status === 403 || (status === 400 && code === 'ExpiredRequest')) return { kind: 'denied' };
  if (status === 429 || status === 503) return { kind: 'busy', retryAfterMs };
  if (status === 408 || status >= 500 || status === 0) return { kind: 'lost' };
  return { kind: 'refused', status };
}
