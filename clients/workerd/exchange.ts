/** One request through `fetch` as workerd has it: a body of exactly the length that was said, and an end to every silence. */
import { Fault } from '#core/fault.ts';
import type { SizedBody } from '../sized-body.ts';
import { flow } from './flow.ts';

export interface Exchange {
  readonly method: string;
  /** As it was signed. */
  readonly url: string;
  /** `host` and `content-length` are the runtime's own. */
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  readonly body: Uint8Array<ArrayBuffer> | SizedBody | undefined;
  readonly signal: AbortSignal;
  /** Ends the exchange when no byte has moved for so long. */
  readonly idleMs: number;
  /** Begins the codes of what is wrong with a body or a name. */
  readonly area: string;
}

export interface Reply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Fails when it falls silent. Whoever asked reads it to its end or cancels it. Null: there is none. */
  readonly body: ReadableStream<Uint8Array> | null;
}

/**
 * Throws the signal's reason, what the body's stream threw, Fault `transient` `{area}.short_body` or `bug` `{area}.long_body` for a body
 * of another length, `rejected` `{area}.name_refused` for a path with `.` or `..` in it, which no Worker can send, and otherwise an Error
 * with a `code`: `ETIMEDOUT` after a silence, `ECONNRESET` for whatever happened to the connection. Does not follow redirects.
 */
export async function exchange(request: Exchange): Promise<Reply> {
  const { method, url, headers, body, signal, idleMs, area } = request;
  const silence = watch(idleMs);
  const answered = new AbortController();
  const ends = AbortSignal.any([signal, silence.signal]);
  const until = AbortSignal.any([ends, answered.signal]);
  const isFlow = body !== undefined && !(body instanceof Uint8Array);
  const flowing = isFlow ? flow(body, { area, signal: until, onPiece: silence.heard }) : null;
  try {
    signal.throwIfAborted();
    refuseDots(url, area);
    const sent = flowing?.readable ?? (isFlow ? undefined : body);
    const response = await fetch(url, {
      method,
      headers: sendable(headers),
      redirect: 'manual',
      signal: ends,
      ...(sent === undefined ? {} : { body: sent, duplex: 'half' }),
    });
    // A good answer may overtake the end of the stream, and what follows from the whole of it. Of a refusal nobody reads the rest.
    if (response.ok) await flowing?.done;
    const failure = flowing?.failure();
    if (failure) throw failure.error;
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: watched(response, signal, silence),
    };
  } catch (error) {
    silence.end();
    signal.throwIfAborted();
    const failure = flowing?.failure();
    if (failure) throw failure.error;
    silence.signal.throwIfAborted();
    throw error instanceof Fault ? error : lost();
  } finally {
    answered.abort();
  }
}

/** All of it. Throws Fault `bug` `{area}.long_answer` for more than `bytesMax`. */
export async function collected({ body }: Reply, bytesMax: number, area: string): Promise<Buffer<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of body ?? []) {
    sizeBytes += piece.length;
    if (sizeBytes > bytesMax) throw new Fault('bug', `${area}.long_answer`, 'an answer has no end');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

interface Silence {
  readonly signal: AbortSignal;
  heard(): void;
  end(): void;
}

function watch(idleMs: number): Silence {
  const over = new AbortController();
  const tell = (): void => over.abort(networkError('ETIMEDOUT', 'no bytes moved for too long'));
  let timer = setTimeout(tell, idleMs);
  const end = (): void => clearTimeout(timer);
  const heard = (): void => {
    end();
    timer = setTimeout(tell, idleMs);
  };
  return { signal: over.signal, heard, end };
}

function watched({ body }: Response, signal: AbortSignal, silence: Silence): ReadableStream<Uint8Array> | null {
  if (body === null) {
    silence.end();
    return null;
  }
  silence.heard();
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read().catch(() => {
          silence.end();
          signal.throwIfAborted();
          silence.signal.throwIfAborted();
          throw lost();
        });
        if (done) {
          silence.end();
          return controller.close();
        }
        silence.heard();
        controller.enqueue(value);
      },
      cancel: (reason) => {
        silence.end();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

function sendable(headers: Exchange['headers']): Record<string, string> {
  const own = Object.entries(headers).filter(([name, value]) => value !== undefined && !OF_THE_RUNTIME.test(name));
  return Object.fromEntries(own.map(([name, value]) => [name, String(value)]));
}

const OF_THE_RUNTIME = /^(?:host|content-length)$/i;

/** `fetch` would take them out of the path, and what was signed would not be what is asked for. */
function refuseDots(url: string, area: string): void {
  const path = url.slice(url.indexOf('/', url.indexOf('//') + 2)).split('?', 1)[0];
  if (new URL(url).pathname !== path) {
    const text = 'a Worker cannot send a path with "." or ".." in it: deliver it under another name';
    throw new Fault('rejected', `${area}.name_refused`, text);
  }
}

/** workerd tells no more than that. */
function lost(): Error {
  return networkError('ECONNRESET', 'the connection was lost');
}

function networkError(code: string, text: string): Error {
  return Object.assign(new Error(text), { name: code, code });
}
