/** Requests to OSS over sockets of Node that are kept. */
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { Fault } from '#core/fault.ts';
import { ANSWER_BYTES_MAX, type Delivery, IDLE_TIMEOUT_MS, type Parcel, type Transport } from '../oss/transport.ts';

// An import of it would also load undici at once, for the sake of exports that nobody here uses: a fifth of a function's cold start.
const { Agent: HttpAgent, request: httpRequest } = process.getBuiltinModule('node:http');

/** Sockets to one store: 3 files of 5 parts in flight, with room for listings, for removals and for a raised limit. */
const SOCKETS_MAX = 64;
const CONNECT_TIMEOUT_MS = 5_000;

export function ossTransport(): Transport {
  const options = { keepAlive: true, maxSockets: SOCKETS_MAX };
  const agent = new HttpAgent(options);
  const httpsAgent = new HttpsAgent(options);
  return {
    send: (parcel) => sendOverLive(parcel, agent, httpsAgent),
    close: () => {
      agent.destroy();
      httpsAgent.destroy();
    },
  };
}

/** OSS may close an idle socket just as we begin to use it again: that request was never read. */
async function sendOverLive(parcel: Parcel, agent: Agent, httpsAgent: HttpsAgent): Promise<Delivery> {
  try {
    return await send(parcel, agent, httpsAgent);
  } catch (error) {
    if (!(error instanceof DeadSocket) || parcel.signal.aborted) throw error;
    return send(parcel, agent, httpsAgent);
  }
}

class DeadSocket extends Error {
  readonly code = 'ECONNRESET';
}

async function send(parcel: Parcel, agent: Agent, httpsAgent: HttpsAgent): Promise<Delivery> {
  const { signal, body } = parcel;
  signal.throwIfAborted();
  const source = typeof body === 'object' ? (await body.open()).getReader() : null;
  const cancel = (): void => void source?.cancel().catch(ignore);
  const request = beginOr(cancel, parcel, agent, httpsAgent);
  const failed = Promise.withResolvers<never>();
  const fail = (error: unknown): void => {
    failed.reject(error);
    request.destroy();
  };
  const abort = (): void => fail(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const answered = new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
  request.on('error', (error) => fail(isDead(request, error) ? new DeadSocket('a kept socket was closed') : error));
  request.setTimeout(IDLE_TIMEOUT_MS, () => fail(timeout('no bytes for a minute')));
  try {
    if (typeof body === 'object' && source !== null) pour(source, body.sizeBytes, request).catch(fail);
    else request.end(body ?? '');
    const response = await Promise.race([answered, failed.promise]);
    const isStream = parcel.answer === 'stream' && (response.statusCode ?? 0) < 300;
    const data = isStream ? Buffer.alloc(0) : await Promise.race([collect(response), failed.promise]);
    // An answer before the end of the body is a refusal: nobody reads the rest.
    if (!request.writableEnded) request.destroy();
    return { status: response.statusCode ?? 0, headers: response.headers, data, stream: isStream ? response : null };
  } finally {
    signal.removeEventListener('abort', abort);
    // Whatever comes after this has nobody to be told to.
    failed.promise.catch(ignore);
    request.on('error', ignore);
    cancel();
  }
}

/** A header that Node refuses throws here, with the body open already. */
function beginOr(cancel: () => void, parcel: Parcel, agent: Agent, httpsAgent: HttpsAgent): ClientRequest {
  try {
    return begin(parcel, agent, httpsAgent);
  } catch (error) {
    cancel();
    throw error;
  }
}

function begin({ method, url, headers }: Parcel, agent: Agent, httpsAgent: HttpsAgent): ClientRequest {
  const { protocol, hostname, port } = new URL(url);
  const isSecure = protocol === 'https:';
  const request = (isSecure ? httpsRequest : httpRequest)({
    method,
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: port || (isSecure ? 443 : 80),
    // Not the URL's own idea of the path, which resolves dots.
    path: url.slice(url.indexOf('/', `${protocol}//`.length)),
    headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)),
    agent: isSecure ? httpsAgent : agent,
  });
  request.once('socket', (socket) => {
    if (!socket.connecting) return;
    const timer = setTimeout(() => request.destroy(timeout('no connection in time')), CONNECT_TIMEOUT_MS);
    socket.once('connect', () => clearTimeout(timer));
    socket.once('close', () => clearTimeout(timer));
  });
  return request;
}

/** One piece at a time: the next is read only when the socket has room for it. */
async function pour(
  source: ReadableStreamDefaultReader<Uint8Array>,
  sizeBytes: number,
  request: ClientRequest,
): Promise<void> {
  let pouredBytes = 0;
  for (;;) {
    const { done, value } = await source.read();
    if (request.destroyed) return;
    if (done) break;
    pouredBytes += value.byteLength;
    if (pouredBytes > sizeBytes)
      throw new Fault('bug', 'oss.long_body', `the source gave more than ${sizeBytes} bytes`);
    if (!request.write(value)) await roomIn(request);
  }
  if (pouredBytes < sizeBytes) {
    throw new Fault('transient', 'oss.short_body', `the source gave ${pouredBytes} of ${sizeBytes} bytes`);
  }
  request.end();
}

function isDead(request: ClientRequest, error: Error): boolean {
  return request.reusedSocket && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

function roomIn(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      request.off('drain', go);
      request.off('close', go);
      resolve();
    };
    request.once('drain', go);
    request.once('close', go);
  });
}

async function collect(response: IncomingMessage): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of response) {
    sizeBytes += piece.length;
    if (sizeBytes > ANSWER_BYTES_MAX) throw new Fault('bug', 'oss.long_answer', 'an answer of OSS has no end');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function timeout(what: string): Error {
  return Object.assign(new Error(what), { name: 'Timeout', code: 'ETIMEDOUT' });
}

function ignore(): void {}
