/** One request to a server of Bilibili's, and its answer whole. Nothing is tried twice here. */
import { Fault } from '#core/fault.ts';
import { UNAVAILABLE } from './faults.ts';
import { USER_AGENT } from './hosts.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  /** From the first byte sent to the last one received. */
  readonly timeoutMs?: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  /** `Set-Cookie` headers as they came. */
  readonly setCookies: readonly string[];
}

const TIMEOUT_MS = 30_000;
/** A page of 20 archives or one archive of 100 parts is under 1 MiB. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** Throws the signal's reason, or Fault `transient` `bilibili.unavailable`. Redirects are not followed: cookies stay with their host. */
export async function send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
  signal.throwIfAborted();
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: { 'user-agent': USER_AGENT, ...request.headers },
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(request.timeoutMs ?? TIMEOUT_MS)]),
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    const text = await collect(response);
    return { status: response.status, text, setCookies: response.headers.getSetCookie() };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Fault) throw error;
    throw unreachable(error);
  }
}

/** Only the code: messages of network errors hold addresses. */
export function unreachable(error: unknown): Fault {
  return unavailable(networkCode(error));
}

export function unavailable(why: string): Fault {
  return new Fault('transient', UNAVAILABLE, `Bilibili cannot be reached (${why}): it is tried again`);
}

async function collect(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of response.body ?? []) {
    sizeBytes += piece.length;
    if (sizeBytes > ANSWER_BYTES_MAX)
      throw new Fault('bug', 'bilibili.long_answer', 'an answer of Bilibili has no end');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function networkCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause instanceof Error ? networkCode(error.cause) : error.name;
}
