/** The fake's bucket: write-once PUTs by ticket, and an origin of its own, so that CORS is real. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FakeState } from './fake-state.ts';

export async function putObject(state: FakeState, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const cors = { 'access-control-allow-origin': request.headers.origin ?? '*', vary: 'origin' };
  if (request.method === 'OPTIONS') {
    const allowed = { 'access-control-allow-methods': 'PUT', 'access-control-allow-headers': 'if-none-match' };
    response.writeHead(204, { ...cors, ...allowed }).end();
    return;
  }
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
  const number = Number(pathname.split('/').at(-1));
  const { log, events } = state;
  const fault = state.takeFault('PUT', pathname);
  const answer = (status: number, more: Record<string, string> = {}) => {
    log.push(`PUT ${number} ${status}`);
    response.writeHead(status, { ...cors, 'access-control-expose-headers': 'retry-after', ...more }).end();
    events.emit('put', number, status);
  };
  if (fault?.act === 'hang') {
    state.hanging.add(response);
    log.push(`PUT ${number} hung`);
    events.emit('hung', number);
    return;
  }
  if (fault?.act === 'drop') {
    log.push(`PUT ${number} dropped`);
    request.socket.destroy();
    return;
  }
  const body = await slurp(request, state.options.bucketBytesPerSecond);
  if (fault && typeof fault.act === 'object') return answer(fault.act.status, retryAfter(fault.act.retryAfter));
  const status = statusOf(state, request, pathname, state.tickets.get(searchParams.get('sig') ?? ''), body);
  const upload = state.uploads.get(pathname.split('/').at(-2) ?? '');
  if (status !== 200 || !upload) return answer(status);
  state.stage(upload, number, body);
  if (fault?.act !== 'late') return answer(200);
  log.push(`PUT ${number} stored, answer lost`);
  request.socket.destroy();
}

function statusOf(
  { uploads }: FakeState,
  { headers }: IncomingMessage,
  pathname: string,
  ticket: { readonly key: string; readonly sizeBytes: number } | undefined,
  body: Buffer,
): number {
  if (ticket?.key !== pathname) return 403;
  // What the ticket did not sign must not be there, and what it signed must be.
  if (headers['content-type'] !== undefined || headers['if-none-match'] !== '*') return 400;
  if (body.length !== ticket.sizeBytes || Number(headers['content-length']) !== body.length) return 403;
  const upload = uploads.get(pathname.split('/').at(-2) ?? '');
  if (upload?.view.phase !== 'open') return 404;
  return upload.chunks.has(Number(pathname.split('/').at(-1))) ? 412 : 200;
}

export function retryAfter(value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { 'retry-after': value };
}

export async function slurp(request: IncomingMessage, bytesPerSecond?: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) {
    parts.push(part);
    if (bytesPerSecond) await new Promise((resolve) => setTimeout(resolve, (part.length * 1000) / bytesPerSecond));
  }
  return Buffer.concat(parts);
}
