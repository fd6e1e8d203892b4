/** One request from its first byte to the last of its answer: read, authenticate, route, answer, clean up. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authenticate } from './authenticate.ts';
import type { Call, Content, Context } from './context.ts';
import type { Cors } from './cors.ts';
import { S3Error } from './errors.ts';
import type { AuthenticateForm } from './post-policy.ts';
import { readRequest, requestId, type S3Request } from './request.ts';
import { operationOf } from './router.ts';
import { isPostForm, postObject } from './routes/post-object.ts';
import type { Throttle } from './throttle.ts';
import { ClientGone, discardBody, requestBody, sendError, sendReply } from './wire.ts';

interface Counters {
  puts: number;
  gets: number;
  bytesIn: number;
  bytesOut: number;
}

export interface Service {
  readonly context: Context;
  readonly authenticate: Authenticate;
  readonly authenticateForm: AuthenticateForm;
  readonly cors: Cors;
  /** Names under which `<bucket>.<name>` is virtual-host style. */
  readonly ownHosts: readonly string[];
  readonly inbound: Throttle;
  readonly outbound: Throttle;
  readonly counters: Counters;
  readonly onError: (error: unknown) => void;
}

/** `invite` sends `100 Continue`, for a client that waits for it before it sends a body. */
export async function handle(
  service: Service,
  http: IncomingMessage,
  response: ServerResponse,
  invite: (() => void) | undefined,
): Promise<void> {
  const id = requestId();
  const shape = { id, method: http.method ?? 'GET', path: '' };
  let waiting = invite;
  let content: Content | undefined;
  try {
    addHeaders(response, { 'x-amz-request-id': id, 'x-amz-id-2': id, ...service.cors.headers(http.headers.origin) });
    const request = readRequest(http, id, service.ownHosts);
    shape.path = request.path;
    if (request.method === 'OPTIONS') {
      addHeaders(response, service.cors.preflight(request));
      return await sendReply(response, { status: 200 }, service.outbound, () => undefined);
    }
    const signature = isPostForm(request) ? undefined : service.authenticate(request);
    const openBody: Call['openBody'] = () => {
      waiting?.();
      waiting = undefined;
      return requestBody(http, service.inbound, (bytes) => {
        service.counters.bytesIn += bytes;
      });
    };
    const reply =
      signature === undefined
        ? await postObject(service.context, service.authenticateForm, { request, openBody })
        : await operationOf(request)(service.context, { request, signature, openBody });
    content = reply.content;
    await service.context.store.durable();
    count(service.counters, request, content);
    await sendReply(response, reply, service.outbound, (bytes) => {
      service.counters.bytesOut += bytes;
    });
  } catch (error) {
    const failure = await durableFailure(service, error);
    if (!(failure instanceof S3Error || isClientGone(failure, http))) service.onError(failure);
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    // A client that was not invited to send its body may send it or not; only a new connection is unambiguous.
    if (waiting) response.setHeader('connection', 'close');
    sendError(response, failure instanceof S3Error ? failure : new S3Error('InternalError'), shape);
  } finally {
    content?.release();
    discardBody(http);
  }
}

/** A refusal tells of the state that it was met in, so it waits for that to be on disk as any other answer does. */
async function durableFailure({ context }: Service, failure: unknown): Promise<unknown> {
  try {
    await context.store.durable();
    return failure;
  } catch (error) {
    return error;
  }
}

/** A client that went away mid-body is no fault of ours, however the socket words it. */
function isClientGone(error: unknown, http: IncomingMessage): boolean {
  return error instanceof ClientGone || (http.destroyed && !http.complete);
}

function count(counters: Counters, request: S3Request, content: Content | undefined): void {
  const isCopy = request.header('x-amz-copy-source') !== undefined;
  if (content) counters.gets++;
  if (isPostForm(request)) counters.puts++;
  if (request.method === 'PUT' && request.key !== undefined && !isCopy) counters.puts++;
}

function addHeaders(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}
