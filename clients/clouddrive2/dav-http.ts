/** One request to the WebDAV side of CloudDrive2. Nothing is tried twice, and no redirect is followed: the password stays with its host. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { Fault } from '#core/fault.ts';
import { AREA } from './faults.ts';

// An import of it would also load undici at once, for the sake of exports that nobody here uses: a fifth of a function's cold start.
const { request: httpRequest } = process.getBuiltinModule('node:http');

export interface DavServer {
  /** `http://nas.lan:19798/dav`, without a slash at its end. */
  readonly url: string;
  readonly userName: string;
  readonly password: string;
  /** The certificate of a server that signed its own, in PEM. */
  readonly certificate?: string;
}

export interface DavBody {
  readonly sizeBytes: number;
  readonly source: AsyncIterable<Uint8Array>;
}

export interface DavRequest {
  readonly method: 'PROPFIND' | 'MKCOL' | 'PUT' | 'MOVE' | 'DELETE';
  /** Escaped, below the server's URL: `/115/a%20b`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: DavBody;
}

export interface DavAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** Without a byte either way. A server that stores a large body may think about it for a while before it answers. */
const IDLE_MS = 120_000;
/** Of one entry's properties. */
const ANSWER_BYTES_MAX = 256 * 1024;

/** Rejects with the signal's reason, with what the body's source threw, or with Fault `transient` `clouddrive2.dav_unreachable`. */
export async function davRequest(server: DavServer, asked: DavRequest, signal: AbortSignal): Promise<DavAnswer> {
  signal.throwIfAborted();
  const request = begin(server, asked);
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(metElsewhere);
  const stop = () => request.destroy(new Error('aborted'));
  signal.addEventListener('abort', stop, { once: true });
  request.on('error', (error) => failed.reject(unreachable(error)));
  request.setTimeout(IDLE_MS, () => request.destroy(Object.assign(new Error('silence'), { code: 'ETIMEDOUT' })));
  const answered = new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
  try {
    const sending = send(request, asked.body);
    // A source that fails is told as it is; a socket that fails is told by the request.
    sending.catch((error: unknown) => (isOfSocket(error) ? undefined : failed.reject(error)));
    const response = await Promise.race([answered, failed.promise]);
    const text = await Promise.race([textOf(response), failed.promise]);
    return { status: response.statusCode ?? 0, headers: response.headers, text };
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    // An answer before the end of the body is a refusal: nobody reads the rest.
    request.destroy();
  }
}

function begin(server: DavServer, { method, path, headers, body }: DavRequest): ClientRequest {
  const { protocol, hostname, port, pathname } = new URL(server.url);
  const isSecure = protocol === 'https:';
  const basic = Buffer.from(`${server.userName}:${server.password}`).toString('base64');
  return (isSecure ? httpsRequest : httpRequest)({
    method,
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: port || (isSecure ? 443 : 80),
    path: `${pathname.replace(/\/$/, '')}${path}`,
    headers: { ...headers, authorization: `Basic ${basic}`, 'content-length': body?.sizeBytes ?? 0 },
    // A kept socket may be closed by the server in the moment of its use, and a body that has flowed cannot be sent again.
    agent: false,
    ...(isSecure && server.certificate !== undefined ? { ca: server.certificate } : {}),
  });
}

async function send(request: ClientRequest, body: DavBody | undefined): Promise<void> {
  if (body === undefined) {
    request.end();
    return;
  }
  await pipeline(body.source, (source: AsyncIterable<Uint8Array>) => exactly(source, body.sizeBytes), request);
}

/** The announced number of bytes, or an error: a short body would leave the server waiting. */
async function* exactly(source: AsyncIterable<Uint8Array>, sizeBytes: number): AsyncGenerator<Uint8Array> {
  let flowedBytes = 0;
  for await (const bytes of source) {
    flowedBytes += bytes.length;
    if (flowedBytes > sizeBytes) break;
    yield bytes;
  }
  if (flowedBytes !== sizeBytes) {
    throw new Fault('transient', `${AREA}.source_length`, `the source does not have exactly ${sizeBytes} bytes`);
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const bytes of response) {
    pieces.push(bytes);
    sizeBytes += bytes.length;
    if (sizeBytes > ANSWER_BYTES_MAX) {
      throw new Fault('bug', `${AREA}.dav_long_answer`, 'an answer of the WebDAV of CloudDrive2 has no end');
    }
  }
  return Buffer.concat(pieces).toString();
}

function isOfSocket(error: unknown): boolean {
  return error instanceof Error && !(error instanceof Fault) && 'code' in error;
}

/** Only the code: messages of network errors hold addresses. */
function unreachable(error: Error): Fault {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return new Fault('transient', `${AREA}.dav_unreachable`, `the WebDAV of CloudDrive2 cannot be reached (${code})`);
}

function metElsewhere(): void {}
