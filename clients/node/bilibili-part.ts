/** A part on its way to Bilibili over sockets of Node that are kept: streamed, and bounded in time. */
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { Fault } from '#core/fault.ts';
import { USER_AGENT } from '../bilibili/hosts.ts';
import { unreachable } from '../bilibili/http.ts';
import { PART_ANSWER_BYTES_MAX, type Parcel, type PartAnswer, sourceLength } from '../bilibili/parcel.ts';

// An import of it would also load undici at once, for the sake of exports that nobody here uses: a fifth of a function's cold start.
const { Agent: HttpAgent, request: httpRequest } = process.getBuiltinModule('node:http');

/** Three files of eight parts. A new connection for each part would begin slowly each time, far from Bilibili. */
const SOCKETS = { keepAlive: true, maxSockets: 24 };
const plainAgent: Agent = new HttpAgent(SOCKETS);
const tlsAgent: Agent = new HttpsAgent(SOCKETS);

/**
 * Rejects with the signal's reason, with what the source threw, or with Fault `transient` `bilibili.unavailable`. The source is
 * canceled when it is not read to its end.
 */
export async function sendPart(parcel: Parcel, signal: AbortSignal): Promise<PartAnswer> {
  try {
    return await sendOnce(parcel, signal);
  } catch (error) {
    if (!(error instanceof DeadSocket) || signal.aborted) throw error;
    return sendOnce(parcel, signal);
  }
}

/** The server closed a kept connection just as it was used again: it has read nothing. */
class DeadSocket extends Fault {}

async function sendOnce(parcel: Parcel, signal: AbortSignal): Promise<PartAnswer> {
  signal.throwIfAborted();
  const body = (await parcel.source.open()).getReader();
  try {
    return await exchange(parcel, body, signal);
  } finally {
    // Also what waits for the next piece of it.
    body.cancel().catch(metElsewhere);
  }
}

type Body = ReadableStreamDefaultReader<Uint8Array>;

async function exchange({ url, headers, source, timeoutMs }: Parcel, body: Body, signal: AbortSignal) {
  const request = begin(url, { ...headers, 'content-length': source.sizeBytes });
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(metElsewhere);
  const stop = (): void => failed.reject(signal.aborted ? signal.reason : unreachable(bounded.reason));
  bounded.addEventListener('abort', stop, { once: true });
  request.on('error', (error) => failed.reject(faultOf(request, error)));
  if (bounded.aborted) stop();
  let isAnswered = false;
  const answered = new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
  try {
    const sending = pipeline(exactly(body, source.sizeBytes), request);
    // A source that fails is told as it is; a socket that fails is told by the request.
    sending.catch((error: unknown) => (isOfSocket(error) ? undefined : failed.reject(error)));
    const response = await Promise.race([answered, failed.promise]);
    const text = await Promise.race([textOf(response), failed.promise]);
    isAnswered = request.writableFinished;
    return { status: response.statusCode ?? 0, text };
  } finally {
    bounded.removeEventListener('abort', stop);
    // An answer before the end of the body is a refusal: nobody reads the rest.
    if (!isAnswered) request.destroy();
  }
}

function faultOf({ reusedSocket }: ClientRequest, error: Error): Fault {
  const fault = unreachable(error);
  const isDead = reusedSocket && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
  return isDead ? new DeadSocket(fault.kind, fault.code, fault.message) : fault;
}

function begin(url: string, headers: Readonly<Record<string, string | number>>): ClientRequest {
  const { protocol, hostname, port, pathname, search } = new URL(url);
  const isSecure = protocol === 'https:';
  return (isSecure ? httpsRequest : httpRequest)({
    method: 'PUT',
    hostname,
    port: port || (isSecure ? 443 : 80),
    path: `${pathname}${search}`,
    headers: { 'user-agent': USER_AGENT, ...headers },
    agent: isSecure ? tlsAgent : plainAgent,
  });
}

/** The announced number of bytes, or an error: a short body would leave the server waiting. */
async function* exactly(source: Body, sizeBytes: number): AsyncGenerator<Uint8Array> {
  let flowedBytes = 0;
  for (;;) {
    const { done, value } = await source.read();
    if (done) break;
    flowedBytes += value.byteLength;
    if (flowedBytes > sizeBytes) break;
    yield value;
  }
  if (flowedBytes !== sizeBytes) throw sourceLength(sizeBytes);
}

async function textOf(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const bytes of response) {
    pieces.push(bytes);
    sizeBytes += bytes.length;
    if (sizeBytes > PART_ANSWER_BYTES_MAX) {
      throw new Fault('bug', 'bilibili.long_answer', 'an answer of Bilibili has no end');
    }
  }
  return Buffer.concat(pieces).toString();
}

function isOfSocket(error: unknown): boolean {
  return error instanceof Error && !(error instanceof Fault) && 'code' in error;
}

function metElsewhere(): void {}
