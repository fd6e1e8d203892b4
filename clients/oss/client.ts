/** One client for a bucket of Aliyun OSS. A library makes, signs (V4) and reads the requests. Reads no environment. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { libraryWith } from '#runtime/oss-library.ts';
import { ossTransport } from '#runtime/oss-transport.ts';
import type { CredentialSource, OssCredentials } from './credentials.ts';
import { isStaleKey, OssError } from './faults.ts';
import type { OssPlace } from './library.ts';
import type { Delivery, OssBody, Transport } from './transport.ts';

export interface OssConfig extends OssPlace {
  readonly credentials: CredentialSource;
}

export interface OssRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Absent: of the bucket. */
  readonly key?: string;
  /** An empty value is sent without one: `?uploads`. */
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | OssBody;
  readonly statuses: readonly number[];
  /** Nothing unless told. `xml`: an element that repeats is an array only when there is more than one. */
  readonly answer?: 'xml' | 'text' | 'stream';
}

export interface OssAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly xml: unknown;
  readonly text: string;
  readonly stream: Readable | null;
}

export interface OssClient {
  readonly bucket: string;
  /**
   * Throws `OssError` for another status than those asked for, the signal's reason when it aborts, and whatever the network
   * threw. Asks for keys again, once, when temporary ones are refused; nothing else is tried twice.
   */
  call(request: OssRequest, signal: AbortSignal): Promise<OssAnswer>;
  /** The same keys and sockets for another bucket of the store. */
  in(bucket: string): OssClient;
  /** Closes the idle sockets. */
  close(): void;
}

export function ossClient(config: OssConfig): OssClient {
  return clientOver(config, ossTransport());
}

function clientOver(config: OssConfig, transport: Transport): OssClient {
  return {
    bucket: config.bucket,
    call: async (request, signal) => {
      signal.throwIfAborted();
      const keys = await config.credentials();
      try {
        return await callOnce(config, transport, keys, request, signal);
      } catch (error) {
        if (keys.stsToken === undefined || !isStaleKey(error)) throw error;
        const newer = await config.credentials(keys);
        if (newer.accessKeyId === keys.accessKeyId && newer.stsToken === keys.stsToken) throw error;
        return callOnce(config, transport, newer, request, signal);
      }
    },
    in: (bucket) => clientOver({ ...config, bucket }, transport),
    close: () => transport.close(),
  };
}

async function callOnce(
  config: OssConfig,
  transport: Transport,
  keys: OssCredentials,
  request: OssRequest,
  signal: AbortSignal,
): Promise<OssAnswer> {
  let delivery: Delivery | undefined;
  let broken: { readonly reason: unknown } | undefined;
  // One per request: the signal, the body and the keys of one belong to no other.
  const library = await libraryWith(config, keys, {
    request: async (url, signed) => {
      try {
        delivery = await transport.send({
          method: request.method,
          url,
          headers: headersOf(config, request, signed.headers),
          body: request.body,
          signal,
          answer: request.answer === 'stream' ? 'stream' : 'whole',
        });
        return delivery;
      } catch (reason) {
        broken = { reason };
        throw reason;
      }
    },
  });
  try {
    const { data } = await library.request({
      method: request.method,
      bucket: config.bucket,
      object: request.key,
      subres: request.query,
      headers: request.headers,
      ...(typeof request.body === 'string' ? { content: request.body } : {}),
      xmlResponse: request.answer === 'xml',
      successStatuses: request.statuses,
    });
    if (delivery === undefined) throw new Error('the library sent nothing');
    const { status, headers, stream } = delivery;
    const text = request.answer === 'text' ? delivery.data.toString() : '';
    return { status, headers, text, stream, xml: request.answer === 'xml' ? data : null };
  } catch (error) {
    if (broken !== undefined) throw broken.reason;
    throw toldError(error, delivery);
  }
}

function headersOf(
  { forcePathStyle }: OssConfig,
  { method, body }: OssRequest,
  signed: Readonly<Record<string, string | number>>,
): Record<string, string | number> {
  const { 'Content-Length': _, host, ...headers } = signed;
  const sizeBytes = typeof body === 'object' ? body.sizeBytes : Buffer.byteLength(body ?? '');
  return {
    ...headers,
    // At a bare address the library names the bucket here, also when it is in the path already.
    ...(host === undefined || forcePathStyle === true ? {} : { host }),
    ...(method === 'PUT' || method === 'POST' ? { 'content-length': sizeBytes } : {}),
  };
}

/** The library hangs the request with its signature on its errors. */
function toldError(error: unknown, delivery: Delivery | undefined): unknown {
  if (!(error instanceof Error) || delivery === undefined) return error;
  const field = (name: string): string => {
    const value: unknown = Reflect.get(error, name);
    return typeof value === 'string' ? value : '';
  };
  const seconds = Number(delivery.headers['retry-after'] ?? Number.NaN);
  // A HEAD has no body to tell it in, and the library takes its 404 for an object that is not there.
  const code = codeOfHeader(delivery.headers['x-oss-err']) ?? field('code');
  return new OssError(delivery.status, code, code === '' ? 'the answer was not one of OSS' : error.message, {
    requestId: field('requestId'),
    ...(seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {}),
  });
}

function codeOfHeader(header: string | readonly string[] | undefined): string | undefined {
  if (typeof header !== 'string') return undefined;
  return /<Code>([A-Za-z.]{1,64})<\/Code>/.exec(Buffer.from(header, 'base64').toString())?.[1];
}
