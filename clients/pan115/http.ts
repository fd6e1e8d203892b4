/** One request to a server of 115, and its answer whole. Nothing is tried twice here. */
import { Fault } from '#core/fault.ts';
import { sendable } from '#runtime/sized.ts';
import type { SizedBody } from '../sized-body.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer> | SizedBody;
  /** From the first byte sent to the last one received. */
  readonly timeoutMs?: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly bytes: Buffer;
  readonly retryAfterMs: number | undefined;
}

const TIMEOUT_MS = 60_000;
/** A page of 1,150 entries of 2 KiB each is under 4 MiB. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** Throws the signal's reason, or Fault `transient` `pan115.unavailable`. Redirects are not followed: keys stay with their host. */
export async function send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
  signal.throwIfAborted();
  const ends = AbortSignal.any([signal, AbortSignal.timeout(request.timeoutMs ?? TIMEOUT_MS)]);
  try {
    const { body, headers } = bodyOf(request, ends);
    const response = await fetch(request.url, {
      method: request.method,
      headers: { ...request.headers, ...headers },
      redirect: 'manual',
      signal: ends,
      ...(body === undefined ? {} : { body, duplex: 'half' }),
    });
    const bytes = await collect(response);
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    return { status: response.status, bytes, retryAfterMs: seconds >= 0 ? seconds * 1000 : undefined };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Fault) throw error;
    throw new Fault(
      'transient',
      'pan115.unavailable',
      `115 cannot be reached (${networkCode(error)}): it is tried again`,
    );
  }
}

function bodyOf({ body }: HttpRequest, signal: AbortSignal) {
  const isStream = typeof body === 'object' && 'stream' in body;
  return isStream ? sendable(body, { area: 'pan115', signal }) : { body, headers: {} };
}

async function collect(response: Response): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of response.body ?? []) {
    sizeBytes += piece.length;
    if (sizeBytes > ANSWER_BYTES_MAX) throw new Fault('bug', 'pan115.long_answer', 'an answer of 115 has no end');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** `ECONNREFUSED` and its like: unlike messages of network errors they hold no address. */
function networkCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { cause } = error;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return error.name;
}
