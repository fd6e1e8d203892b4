/** One try of a call, as the library makes it: with its deadline and its end, without tokens, repeats and Faults. */
import type { CallOptions, Client, ClientReadableStream, Metadata } from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/proto-loader';
import type { Time } from './time.ts';

export interface Line {
  readonly client: Client;
  readonly time: Time;
  /** No call waits longer than this, whatever its own deadline is. */
  readonly deadlineMsMax: number;
}

export interface How {
  /** Of one try. Absent: a stream that lives until it is ended. */
  readonly deadlineMs?: number;
  /** 1: a call that must not be repeated. Only an unreachable server and a missing answer are worth another try. */
  readonly tries: number;
}

/** One question and one answer. Rejects with what the library says; an abort is `CANCELLED` there. */
export async function once<Q, W, P, R>(
  line: Line,
  method: MethodDefinition<Q, W, P, R>,
  request: Q,
  metadata: Metadata,
  how: How,
  signal: AbortSignal,
): Promise<R> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<R>();
  const call = line.client.makeUnaryRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    request,
    metadata,
    optionsOf(line, how),
    (error, reply) => {
      if (error !== null) reject(error);
      else if (reply === undefined) reject(new Error('no reply'));
      else resolve(reply);
    },
  );
  const onAbort = () => call.cancel();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** The headers of the answer show that the server has taken the call; an error may come in their place. */
export async function openStream<Q, W, P, R>(
  line: Line,
  method: MethodDefinition<Q, W, P, R>,
  request: Q,
  metadata: Metadata,
  how: How,
  signal: AbortSignal,
): Promise<AsyncGenerator<R, void, undefined>> {
  signal.throwIfAborted();
  const call = line.client.makeServerStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    request,
    metadata,
    optionsOf(line, how),
  );
  const { promise: taken, resolve, reject } = Promise.withResolvers<void>();
  let failure: { readonly error: unknown } | undefined;
  call.once('metadata', () => resolve());
  call.once('status', () => resolve());
  // Stays: the library says an error once, perhaps before anybody reads, and then ends the stream as if it were whole.
  call.on('error', (error) => {
    failure = { error };
    reject(error);
  });
  const onAbort = () => call.cancel();
  signal.addEventListener('abort', onAbort, { once: true });
  const late = AbortSignal.timeout(Math.min(HEADERS_MS, line.deadlineMsMax));
  late.addEventListener('abort', () => resolve(), { once: true });
  try {
    await taken;
    return messagesOf(call, () => {
      signal.removeEventListener('abort', onAbort);
      return failure;
    });
  } catch (error) {
    signal.removeEventListener('abort', onAbort);
    throw error;
  }
}

/** A proxy may keep the headers back until there is something to go with them. */
const HEADERS_MS = 3000;

async function* messagesOf<R>(
  call: ClientReadableStream<R>,
  settle: () => { readonly error: unknown } | undefined,
): AsyncGenerator<R, void, undefined> {
  try {
    // The stream's own type says nothing of what it yields.
    for await (const message of call as AsyncIterable<R>) yield message;
    const failure = settle();
    if (failure !== undefined) throw failure.error;
  } finally {
    settle();
    call.cancel();
  }
}

function optionsOf({ deadlineMsMax }: Line, { deadlineMs }: How): CallOptions {
  // The library counts its deadlines on the clock of the machine.
  return deadlineMs === undefined ? {} : { deadline: Date.now() + Math.min(deadlineMs, deadlineMsMax) };
}
