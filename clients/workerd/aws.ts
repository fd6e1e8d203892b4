/** How the SDK's clients reach AWS and its like from a Worker: by `fetch`, with bodies of an exact length. */
import { Readable } from 'node:stream';
import type { AwsBounds } from '../aws.ts';
import { uriPart } from '../uri.ts';
import { exchange, type Reply } from './exchange.ts';

/** What the SDK asks of a handler; `query` by names that are not encoded yet. */
interface Wire {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

const IDLE_MS = 60_000;

/** The runtime opens the connections and bounds their number. */
export function requestHandler({ idleMs, requestMs }: Pick<AwsBounds, 'idleMs' | 'requestMs'>, _logger: unknown) {
  return {
    handle: async (request: Wire, { abortSignal }: { readonly abortSignal?: AbortSignal } = {}) => {
      const { method, headers } = request;
      const reply = await exchange({
        ...{ method, headers, url: urlOf(request), body: bodyOf(request) },
        signal: abortSignal ?? new AbortController().signal,
        idleMs: idleMs ?? requestMs ?? IDLE_MS,
        area: 's3',
      });
      return { response: responseOf(reply) };
    },
    updateHttpClientConfig: () => {},
    httpHandlerConfigs: () => ({}),
    destroy: () => {},
  };
}

interface Takes {
  readonly middlewareStack: {
    add(
      middleware: <Args extends object>(next: (args: Args) => unknown) => (args: Args) => unknown,
      options: { readonly step: 'build'; readonly name: string },
    ): void;
  };
}

/** As web streams: of another one the SDK does not see that it cannot be sent twice. */
export function takingStreams<Client extends Takes>(client: Client): Client {
  client.middlewareStack.add(
    (next) => (args) => {
      const request: unknown = Reflect.get(args, 'request');
      if (typeof request === 'object' && request !== null) {
        const body: unknown = Reflect.get(request, 'body');
        if (body instanceof Readable) Reflect.set(request, 'body', webStreamOf(body));
      }
      return next(args);
    },
    { step: 'build', name: 'entrepotWebStreams' },
  );
  return client;
}

function urlOf({ protocol, hostname, port, path, query = {} }: Wire): string {
  const pairs = Object.keys(query)
    .sort()
    .flatMap((name) => [query[name] ?? null].flat().map((value) => pair(name, value)));
  return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`;
}

function pair(name: string, value: string | null): string {
  return value === null ? uriPart(name) : `${uriPart(name)}=${uriPart(value)}`;
}

function bodyOf({ headers, body }: Wire) {
  if (body instanceof ReadableStream) return { sizeBytes: Number(headers['content-length']), stream: body };
  // Of a text `fetch` would make up a type.
  if (typeof body === 'string' && body !== '') return Buffer.from(body);
  if (!(body instanceof Uint8Array) || body.byteLength === 0) return undefined;
  const { buffer, byteOffset, byteLength } = body;
  return buffer instanceof ArrayBuffer ? new Uint8Array(buffer, byteOffset, byteLength) : Buffer.from(body);
}

function responseOf({ status, headers, body }: Reply) {
  return { statusCode: status, headers, body: body ?? new Uint8Array(0) };
}

/** One piece of the stream for each that is asked for. A cancel destroys it, also while it waits for its source. */
function webStreamOf(stream: Readable): ReadableStream<Uint8Array> {
  const pieces: AsyncIterator<Uint8Array> = stream[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => void stream.destroy(),
    },
    { highWaterMark: 0 },
  );
}
