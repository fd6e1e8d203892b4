/**
 * How every call is made: with a token, a deadline and an end, tried again where that is safe, and with a Fault for everything else
 * than an answer.
 */
import { Metadata, status } from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/proto-loader';
import { Fault } from '#core/fault.ts';
import { type How, type Line, once, openStream } from './exchange.ts';
import { AREA, clouddriveFault, refusedBy } from './faults.ts';
import { service } from './interface.ts';
import { backoffMs, unlessAborted } from './time.ts';
import type { Tokens } from './tokens.ts';

/** Questions, and changes that may be repeated. */
export const QUICK: How = { deadlineMs: 30_000, tries: 3 };
/** The same, with bytes or a cloud behind it. */
export const SLOW: How = { deadlineMs: 120_000, tries: 3 };
/** Changes that may not be repeated, because nobody knows whether a lost answer was a yes. */
export const ONCE: How = { deadlineMs: 120_000, tries: 1 };

export interface Calls {
  /** Rejects with a Fault, or with the signal's reason. */
  unary<Q, W, P, R>(method: MethodDefinition<Q, W, P, R>, request: Q, how: How, signal: AbortSignal): Promise<R>;
  /** One answer after the other, read no faster than they are taken. Tried again only while none has been taken. */
  stream<Q, W, P, R>(
    method: MethodDefinition<Q, W, P, R>,
    request: Q,
    how: How,
    signal: AbortSignal,
  ): AsyncGenerator<R, void, undefined>;
  /** Resolves when the server has taken the call. Leaving the iteration ends it. */
  open<Q, W, P, R>(
    method: MethodDefinition<Q, W, P, R>,
    request: Q,
    how: How,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<R, void, undefined>>;
  /** Without a token, as for signing in. */
  unaryInPublic<Q, W, P, R>(
    method: MethodDefinition<Q, W, P, R>,
    request: Q,
    how: How,
    signal: AbortSignal,
  ): Promise<R>;
}

export function callsOver(line: Line, tokens: Tokens): Calls {
  const { time } = line;

  async function headers(): Promise<{ readonly token: string; readonly metadata: Metadata }> {
    const token = await tokens.current();
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    return { token, metadata };
  }

  /** Tries `make` with a token, with a newer one, and again after failures that pass. */
  async function trying<R>(
    what: string,
    tries: number,
    signal: AbortSignal,
    make: (metadata: Metadata, token: string) => Promise<R>,
  ): Promise<R> {
    let isRenewed = false;
    for (let failures = 0; ; ) {
      const { token, metadata } = await unlessAborted(headers(), signal);
      try {
        return await make(metadata, token);
      } catch (error) {
        signal.throwIfAborted();
        const code = refusedBy(error)?.code;
        if (code === status.UNAUTHENTICATED && !isRenewed && tokens.drop(token)) {
          isRenewed = true;
          continue;
        }
        failures += 1;
        if (!isPassing(code) || failures >= tries) throw await faultOf(error, what);
        await time.sleep(backoffMs(failures, time), signal);
      }
    }
  }

  /** Whether a server is too old is only asked when it matters. */
  async function faultOf(error: unknown, what: string): Promise<Error> {
    if (refusedBy(error)?.code !== status.UNIMPLEMENTED) return clouddriveFault(error, what, null);
    // A token without the right to ask leaves the version unknown.
    return clouddriveFault(error, what, await version().catch(() => null));
  }

  async function version(): Promise<string> {
    const how = { deadlineMs: VERSION_MS, tries: 1 };
    const { metadata } = await headers();
    const signal = AbortSignal.timeout(VERSION_MS);
    return (await once(line, service.GetRuntimeInfo, {}, metadata, how, signal)).productVersion;
  }

  const open: Calls['open'] = (method, request, how, signal) => {
    const what = nameOf(method);
    return trying(what, how.tries, signal, async (metadata, token) => {
      const messages = await openStream(line, method, request, metadata, how, signal);
      return told(messages, signal, (error) => streamFaultOf(error, what, token));
    });
  };

  /** A token may end in the middle of a stream, which can then be opened again with another. */
  async function streamFaultOf(error: unknown, what: string, token: string): Promise<Error> {
    if (refusedBy(error)?.code !== status.UNAUTHENTICATED || !tokens.drop(token)) return faultOf(error, what);
    return new Fault('transient', `${AREA}.token_ended`, `the token of CloudDrive2 ended during ${what}`);
  }

  return {
    unary: (method, request, how, signal) =>
      trying(nameOf(method), how.tries, signal, (metadata) => once(line, method, request, metadata, how, signal)),
    unaryInPublic: (method, request, how, signal) => unaryInPublic(line, method, request, how, signal),
    stream: async function* (method, request, how, signal) {
      yield* await open(method, request, how, signal);
    },
    open,
  };
}

/** A call that needs no token. */
export async function unaryInPublic<Q, W, P, R>(
  line: Line,
  method: MethodDefinition<Q, W, P, R>,
  request: Q,
  how: How,
  signal: AbortSignal,
): Promise<R> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await once(line, method, request, new Metadata(), how, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!isPassing(refusedBy(error)?.code) || failures >= how.tries) {
        throw clouddriveFault(error, nameOf(method), null);
      }
      await line.time.sleep(backoffMs(failures, line.time), signal);
    }
  }
}

const VERSION_MS = 5000;

function isPassing(code: status | undefined): boolean {
  return code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED;
}

function nameOf({ path }: { readonly path: string }): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

async function* told<R>(
  messages: AsyncGenerator<R, void, undefined>,
  signal: AbortSignal,
  faultOf: (error: unknown) => Promise<Error>,
): AsyncGenerator<R, void, undefined> {
  try {
    yield* messages;
  } catch (error) {
    signal.throwIfAborted();
    throw await faultOf(error);
  }
}
