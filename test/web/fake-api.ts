/**
 * A small strict server for the page: the API and the socket on one port, the bucket on another (so that CORS is real).
 * In memory. Its bad days are switched on by name; nothing here happens by the clock but what a test asks for.
 */
import { createHash, randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { ulid } from 'ulid';
import { type WebSocket, WebSocketServer } from 'ws';
import type { z } from 'zod';
import { CreateDestination, type DestinationView } from '#core/wire/destination.ts';
import { TransferId, UploadId } from '#core/wire/ids.ts';
import { ClientFrame, type ServerFrame, SOCKET_PROTOCOL } from '#core/wire/socket.ts';
import type { TransferEvent, TransferView } from '#core/wire/transfer.ts';
import { AnswersRequest, type ChunkTicket, CreateUpload, SignRequest, type UploadView } from '#core/wire/upload.ts';

export const TOKEN = 'test-token';

export interface Fault {
  /** `status` answers so; `hang` never answers; `drop` cuts the line; `late` stores the chunk, then cuts the line. */
  readonly act: { readonly status: number; readonly retryAfter?: string } | 'hang' | 'drop' | 'late';
  /** Which requests: `PUT` ones go to the bucket, all others to the API. `path` is a part of the path. */
  readonly method: string;
  readonly path?: string;
  times: number;
}

export interface FakeUpload {
  readonly view: UploadView;
  readonly transferIds: readonly string[];
  readonly chunks: Map<number, Buffer>;
  readonly destinations: z.output<typeof CreateUpload>['destinations'];
}

export interface FakeApi {
  readonly origin: string;
  readonly bucketOrigin: string;
  readonly uploads: ReadonlyMap<string, FakeUpload>;
  readonly transfers: ReadonlyMap<string, TransferView>;
  readonly destinations: Map<string, DestinationView>;
  /** `GET /api/v1/…` and `PUT 00001 200`, as they were answered. */
  readonly log: string[];
  /** `put` with a chunk's number, `hung`, `socket`, `frame` with what a client sent. */
  readonly events: EventEmitter;
  fault(fault: Omit<Fault, 'times'> & { times?: number }): void;
  clearFaults(): void;
  /** All tickets signed so far stop being good. */
  expireTickets(): void;
  /** The content of an upload as it is staged. */
  content(uploadId: string): Buffer;
  /** Changes a transfer, raises its rank, and tells the sockets. */
  change(transferId: string, part: Partial<TransferView>): TransferView;
  /** Puts a transfer there without an upload. */
  plant(part: Partial<TransferView>): TransferView;
  /** Everything staged is delivered, now. */
  deliver(uploadId: string): void;
  send(frame: ServerFrame): void;
  /** Loses the next `frames` frames of changes on the way: their numbers are spent. */
  loseFrames(frames: number): void;
  /** Another run of the server: a new epoch, all sockets cut. */
  restart(): void;
  cutSockets(): void;
  /** Cuts the lines of all requests that hang. */
  dropHanging(): void;
  close(): Promise<void>;
}

export interface FakeOptions {
  readonly chunkBytes?: number;
  /** Tickets in the answer of a create. */
  readonly firstWindow?: number;
  /** Folder of the built page. */
  readonly pageDir?: string;
  /** True bytes delivered for every staged byte, at once. */
  readonly delivers?: boolean;
  /** Bytes per second that the bucket takes; unlimited when absent. */
  readonly bucketBytesPerSecond?: number;
  /** Uploads with this SHA-1 are known already. */
  readonly knownSha1?: string;
  readonly port?: number;
}

export async function fakeApi(options: FakeOptions = {}): Promise<FakeApi> {
  const chunkBytes = options.chunkBytes ?? 1000;
  const uploads = new Map<string, FakeUpload>();
  const transfers = new Map<string, TransferView>();
  const destinations = new Map<string, DestinationView>();
  const byIdempotencyKey = new Map<string, string>();
  const asksOf = new Map<string, { id: string; algorithm: 'sha1'; start: number; end: number }[]>();
  const tickets = new Map<string, { key: string; sizeBytes: number; generation: number }>();
  const socketTickets = new Set<string>();
  const faults: Fault[] = [];
  const log: string[] = [];
  const events = new EventEmitter();
  const hanging = new Set<ServerResponse>();
  let generation = 0;
  let epoch = randomUUID();
  let seq = 0;
  let framesToLose = 0;

  const bucket = createServer((request, response) => void putObject(request, response).catch(() => response.destroy()));
  const api = createServer((request, response) => void answerApi(request, response).catch(() => response.destroy()));
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (protocols) => (protocols.has(SOCKET_PROTOCOL) ? SOCKET_PROTOCOL : false),
  });
  api.on('upgrade', (request, socket, head) => {
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((word) => word.trim());
    const ticket = offered.find((word) => word.startsWith('ticket.'))?.slice('ticket.'.length);
    // A ticket is spent by its first use, also by one that fails.
    const isKnown = ticket !== undefined && socketTickets.delete(ticket);
    const isRoute = new URL(request.url ?? '', 'http://x').pathname === '/ws';
    if (takeFault('WS', '') || !isKnown || !isRoute) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, greet);
  });

  addDestination({ id: 'nas', provider: 'folder', settings: { root: '/srv/nas' } });
  addDestination({ id: 'archive', provider: 's3', settings: { bucket: 'archive', region: 'eu-west-1' } });

  function greet(socket: WebSocket): void {
    socket.on('message', (data) => {
      const frame = ClientFrame.parse(JSON.parse(String(data)));
      events.emit('frame', frame);
      if (frame.event === 'ping') to(socket, { event: 'pong', data: { timestamp: frame.data.timestamp } });
      else to(socket, snapshot());
    });
    to(socket, { event: 'connection:established', data: { epoch, at: new Date().toISOString() } });
    to(socket, snapshot());
    events.emit('socket', socket);
  }

  function snapshot(): ServerFrame {
    return { event: 'snapshot', data: { epoch, seq, transfers: [...transfers.values()] } };
  }

  function to(socket: WebSocket, frame: ServerFrame): void {
    socket.send(JSON.stringify(frame));
  }

  function send(frame: ServerFrame): void {
    for (const socket of sockets.clients) to(socket, frame);
  }

  function tell(changed: readonly TransferView[], removed: readonly string[] = []): void {
    seq += 1;
    if (framesToLose > 0) framesToLose -= 1;
    else send({ event: 'changes', data: { seq, transfers: [...changed], removed: [...removed] } });
  }

  function takeFault(method: string, path: string): Fault | undefined {
    const fault = faults.find((one) => one.times > 0 && one.method === method && path.includes(one.path ?? ''));
    if (fault) fault.times -= 1;
    return fault;
  }

  function addDestination(body: z.input<typeof CreateDestination>): DestinationView {
    const parsed = CreateDestination.parse(body);
    const view = {
      id: parsed.id,
      provider: parsed.provider,
      settings: parsed.settings,
      hasCredentials: parsed.credentials !== undefined,
      createdAt: new Date().toISOString(),
    };
    destinations.set(view.id, view);
    return view;
  }

  // --- the bucket

  async function putObject(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const cors = { 'access-control-allow-origin': request.headers.origin ?? '*', vary: 'origin' };
    if (request.method === 'OPTIONS') {
      const allowed = { 'access-control-allow-methods': 'PUT', 'access-control-allow-headers': 'if-none-match' };
      response.writeHead(204, { ...cors, ...allowed }).end();
      return;
    }
    const url = new URL(request.url ?? '', bucketOrigin());
    const number = Number(url.pathname.split('/').at(-1));
    const fault = takeFault('PUT', url.pathname);
    const answer = (status: number, more: Record<string, string> = {}) => {
      log.push(`PUT ${number} ${status}`);
      response.writeHead(status, { ...cors, 'access-control-expose-headers': 'retry-after', ...more }).end();
      events.emit('put', number, status);
    };
    if (fault?.act === 'hang') {
      hanging.add(response);
      request.on('close', () => events.emit('unhung', number));
      log.push(`PUT ${number} hung`);
      events.emit('hung', number);
      return;
    }
    if (fault?.act === 'drop') {
      log.push(`PUT ${number} dropped`);
      request.socket.destroy();
      return;
    }
    const body = await slurp(request, options.bucketBytesPerSecond);
    if (fault && typeof fault.act === 'object') {
      return answer(fault.act.status, fault.act.retryAfter ? { 'retry-after': fault.act.retryAfter } : {});
    }
    const ticket = tickets.get(url.searchParams.get('sig') ?? '');
    if (!ticket || ticket.generation !== generation || ticket.key !== url.pathname) return answer(403);
    // What the ticket did not sign must not be there, and what it signed must be.
    if (request.headers['content-type'] !== undefined || request.headers['if-none-match'] !== '*') return answer(400);
    if (body.length !== ticket.sizeBytes || Number(request.headers['content-length']) !== body.length)
      return answer(403);
    const upload = uploads.get(url.pathname.split('/').at(-2) ?? '');
    if (upload?.view.phase !== 'open') return answer(404);
    if (upload.chunks.has(number)) return answer(412);
    upload.chunks.set(number, body);
    onStaged(upload);
    if (fault?.act === 'late') {
      log.push(`PUT ${number} stored, answer lost`);
      request.socket.destroy();
      return;
    }
    answer(200);
  }

  function onStaged(upload: FakeUpload): void {
    const stagedBytes = [...upload.chunks.values()].reduce((sum, chunk) => sum + chunk.length, 0);
    for (const id of upload.transferIds) {
      const transfer = transfers.get(id);
      if (!transfer || transfer.phase === 'canceled') continue;
      change(id, { stagedBytes });
      if (options.delivers) move(id, stagedBytes);
    }
  }

  function move(id: string, movedBytes: number): void {
    const transfer = transfers.get(id);
    if (!transfer || transfer.wish === 'pause') return;
    const partsDone = Math.floor((movedBytes / Math.max(1, transfer.sizeBytes)) * transfer.partCount);
    if (movedBytes < transfer.sizeBytes) {
      change(id, {
        phase: 'moving',
        status: 'uploading',
        movedBytes,
        partsDone,
        startedAt: transfer.startedAt ?? now(),
      });
      return;
    }
    const receipt = {
      evidence: 'A' as const,
      sizeBytes: transfer.sizeBytes,
      location: `${transfer.path}/${transfer.name}`.replace('//', '/'),
    };
    change(id, {
      phase: 'done',
      status: 'success',
      movedBytes,
      partsDone: transfer.partCount,
      receipt,
      endedAt: now(),
    });
  }

  // --- the API

  async function answerApi(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://localhost');
    const method = request.method ?? 'GET';
    if (!url.pathname.startsWith('/api/')) return servePage(url.pathname, response);
    const fault = takeFault(method, url.pathname);
    const reply = (status: number, body: unknown, more: Record<string, string> = {}) => {
      log.push(`${method} ${url.pathname} ${status}`);
      response.writeHead(status, { 'content-type': 'application/json', ...more });
      response.end(body === undefined ? undefined : JSON.stringify(body));
    };
    const refuse = (status: number, code: string, message: string, more: Record<string, string> = {}) =>
      reply(status, { error: { code, message, requestId: 'req_1' } }, more);
    if (fault?.act === 'hang') {
      hanging.add(response);
      events.emit('hung', url.pathname);
      return;
    }
    if (fault?.act === 'drop') {
      request.socket.destroy();
      return;
    }
    const text = String(await slurp(request));
    if (fault && typeof fault.act === 'object') {
      return refuse(
        fault.act.status,
        'server.busy',
        'busy',
        fault.act.retryAfter ? { 'retry-after': fault.act.retryAfter } : {},
      );
    }
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return refuse(401, 'auth.invalid_token', 'token unknown');
    const body = text === '' ? undefined : JSON.parse(text);
    const [, , , noun, id = '', verb = ''] = url.pathname.split('/').map(decodeURIComponent);
    const route = `${method} ${noun}${id ? '/:id' : ''}${verb ? `/${verb}` : ''}`;

    if (route === 'POST uploads') {
      const parsed = CreateUpload.safeParse(body);
      if (!parsed.success) return refuse(422, 'request.invalid', parsed.error.message);
      const unknown = parsed.data.destinations.find((one) => !destinations.has(one.id));
      if (unknown) return refuse(422, 'destination.unknown', `no destination ${unknown.id}`);
      const upload = create(parsed.data, String(request.headers['idempotency-key'] ?? randomUUID()));
      if (fault?.act === 'late') {
        log.push(`${method} ${url.pathname} answer lost`);
        request.socket.destroy();
        return;
      }
      const numbers = Array.from({ length: upload.view.chunkCount }, (_, index) => index + 1);
      return reply(201, {
        upload: upload.view,
        transfers: views(upload),
        chunks: numbers.slice(0, options.firstWindow ?? 64).map((number) => sign(upload, number)),
        asks: asksOf.get(upload.view.id) ?? [],
      });
    }
    if (noun === 'uploads') {
      const upload = uploads.get(id);
      if (!upload) return refuse(404, 'upload.unknown', 'no such upload');
      if (route === 'GET uploads/:id') {
        return reply(200, {
          upload: upload.view,
          staged: ranges(upload.chunks),
          transfers: views(upload),
          asks: asksOf.get(id) ?? [],
        });
      }
      if (route === 'POST uploads/:id/sign') {
        const { numbers } = SignRequest.parse(body);
        return reply(200, { chunks: numbers.map((number) => sign(upload, number)) });
      }
      if (route === 'POST uploads/:id/answers') {
        const { answers } = AnswersRequest.parse(body);
        events.emit('answers', answers);
        asksOf.set(id, []);
        for (const transferId of upload.transferIds) {
          change(transferId, { phase: 'done', status: 'quick_success', instant: true, endedAt: now() });
        }
        return reply(200, { asks: [], transfers: views(upload) });
      }
      if (route === 'POST uploads/:id/complete') return reply(200, { upload: upload.view, transfers: views(upload) });
      if (route === 'DELETE uploads/:id') {
        for (const transferId of upload.transferIds)
          change(transferId, { phase: 'canceled', status: 'cancelled', endedAt: now() });
        uploads.set(id, { ...upload, view: { ...upload.view, phase: 'removed' }, chunks: new Map() });
        return reply(204, undefined);
      }
    }
    if (route === 'GET transfers') {
      const all = [...transfers.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
      const limit = Number(url.searchParams.get('limit') ?? 50);
      const start = Number(url.searchParams.get('cursor') ?? 0);
      const next = start + limit < all.length ? String(start + limit) : null;
      return reply(200, { items: all.slice(start, start + limit), next });
    }
    if (noun === 'transfers') {
      const transfer = transfers.get(id);
      if (!transfer) return refuse(404, 'transfer.unknown', 'no such transfer');
      if (route === 'GET transfers/:id') return reply(200, transfer);
      if (route === 'GET transfers/:id/events') return reply(200, { items: history(transfer) });
      if (verb === 'pause') change(id, { wish: 'pause', status: 'paused', speedBytesPerSecond: 0, etaSeconds: null });
      if (verb === 'resume') change(id, { wish: null, status: transfer.phase === 'moving' ? 'uploading' : 'pending' });
      if (verb === 'cancel') change(id, { wish: 'cancel', phase: 'canceled', status: 'cancelled', endedAt: now() });
      if (verb === 'retry')
        change(id, { phase: 'opening', status: 'checking', error: null, attempt: transfer.attempt + 1, endedAt: null });
      return reply(200, transfers.get(id));
    }
    if (route === 'GET destinations') return reply(200, { items: [...destinations.values()] });
    if (route === 'POST destinations') {
      const parsed = CreateDestination.safeParse(body);
      if (!parsed.success) return refuse(422, 'request.invalid', parsed.error.message);
      if (destinations.has(parsed.data.id)) return refuse(409, 'destination.exists', 'there is one of this name');
      return reply(201, addDestination(parsed.data));
    }
    if (noun === 'destinations' && !destinations.has(id))
      return refuse(404, 'destination.unknown', 'no such destination');
    if (route === 'DELETE destinations/:id') {
      destinations.delete(id);
      return reply(204, undefined);
    }
    if (route === 'POST destinations/:id/check') {
      const isOk = destinations.get(id)?.provider === 'folder';
      return reply(200, {
        ok: isOk,
        code: isOk ? null : 's3.access_denied',
        message: isOk ? 'writable' : 'the bucket refused these credentials',
        freeBytes: isOk ? 812_400_000_000 : null,
        elapsedMs: 12,
      });
    }
    if (route === 'POST tickets') {
      const ticket = randomUUID();
      socketTickets.add(ticket);
      return reply(200, { ticket, expiresAt: later(30_000) });
    }
    refuse(404, 'request.no_route', 'nothing here');
  }

  function create(body: z.output<typeof CreateUpload>, idempotencyKey: string): FakeUpload {
    const known = uploads.get(byIdempotencyKey.get(idempotencyKey) ?? '');
    if (known) return known;
    const id = UploadId.parse(`upl_${ulid()}`);
    const chunkCount = Math.ceil(body.sizeBytes / chunkBytes);
    const isKnown = options.knownSha1 !== undefined && body.digests?.sha1 === options.knownSha1;
    if (isKnown) asksOf.set(id, [{ id: 'ask1', algorithm: 'sha1', start: 10, end: 50 }]);
    const made = body.destinations.map((target) =>
      plant({
        uploadId: id,
        destinationId: target.id,
        path: target.path,
        name: body.name,
        sizeBytes: body.sizeBytes,
        partCount: Math.max(1, Math.ceil(body.sizeBytes / (chunkBytes * 2))),
        ...(isKnown ? { phase: 'opening', status: 'checking' } : {}),
      }),
    );
    const view: UploadView = {
      id,
      name: body.name,
      sizeBytes: body.sizeBytes,
      phase: 'open',
      chunkBytes,
      chunkCount,
      createdAt: now(),
      expiresAt: later(7 * 24 * 3_600_000),
    };
    const upload = { view, transferIds: made.map((one) => one.id), chunks: new Map(), destinations: body.destinations };
    uploads.set(id, upload);
    byIdempotencyKey.set(idempotencyKey, id);
    if (body.sizeBytes === 0 && options.delivers) for (const one of made) move(one.id, 0);
    return upload;
  }

  function sign(upload: FakeUpload, number: number): ChunkTicket {
    const { view } = upload;
    const sizeBytes = Math.min(chunkBytes, view.sizeBytes - (number - 1) * chunkBytes);
    const key = `/staging/${view.id}/${String(number).padStart(5, '0')}`;
    const signature = randomUUID();
    tickets.set(signature, { key, sizeBytes, generation });
    const url = `${bucketOrigin()}${key}?sig=${signature}`;
    return { number, sizeBytes, method: 'PUT', url, headers: { 'if-none-match': '*' }, expiresAt: later(900_000) };
  }

  function views(upload: FakeUpload): TransferView[] {
    return upload.transferIds.flatMap((id) => transfers.get(id) ?? []);
  }

  function plant(part: Partial<TransferView>): TransferView {
    const id = TransferId.parse(`trf_${ulid()}`);
    const view: TransferView = {
      id,
      uploadId: UploadId.parse(`upl_${ulid()}`),
      destinationId: 'nas',
      path: '/',
      name: 'file.bin',
      status: 'pending',
      phase: 'staging',
      wish: null,
      sizeBytes: 0,
      stagedBytes: 0,
      movedBytes: 0,
      partCount: 1,
      partsDone: 0,
      speedBytesPerSecond: 0,
      etaSeconds: null,
      attempt: 1,
      rank: [1],
      error: null,
      receipt: null,
      instant: false,
      createdAt: now(),
      startedAt: null,
      endedAt: null,
      ...part,
    };
    transfers.set(view.id, view);
    tell([view]);
    return view;
  }

  function change(transferId: string, part: Partial<TransferView>): TransferView {
    const before = transfers.get(transferId);
    if (!before) throw new Error(`no transfer ${transferId}`);
    const view = { ...before, ...part, rank: [(before.rank[0] ?? 0) + 1] };
    transfers.set(transferId, view);
    tell([view]);
    return view;
  }

  function servePage(path: string, response: ServerResponse): void {
    const dir = options.pageDir;
    if (!dir) {
      response.writeHead(404).end();
      return;
    }
    const file = path === '/' ? 'index.html' : normalize(path).slice(1);
    void readFile(join(dir, file)).then(
      (bytes) =>
        response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(bytes),
      () => response.writeHead(404).end(),
    );
  }

  function bucketOrigin(): string {
    return `http://127.0.0.1:${portOf(bucket)}`;
  }

  const ports = [options.port ?? 0, options.port ? options.port + 1 : 0];
  await Promise.all([api, bucket].map((server, index) => once(server.listen(ports[index], '127.0.0.1'), 'listening')));

  return {
    origin: `http://127.0.0.1:${portOf(api)}`,
    bucketOrigin: bucketOrigin(),
    uploads,
    transfers,
    destinations,
    log,
    events,
    fault: (fault) => void faults.push({ times: 1, ...fault }),
    clearFaults: () => void faults.splice(0),
    expireTickets: () => {
      generation += 1;
    },
    content(uploadId) {
      const chunks = [...(uploads.get(uploadId)?.chunks ?? [])].sort(([a], [b]) => a - b);
      return Buffer.concat(chunks.map(([, bytes]) => bytes));
    },
    change,
    plant,
    deliver(uploadId) {
      for (const id of uploads.get(uploadId)?.transferIds ?? []) move(id, transfers.get(id)?.sizeBytes ?? 0);
    },
    send,
    loseFrames: (frames) => {
      framesToLose = frames;
    },
    restart() {
      epoch = randomUUID();
      seq = 0;
      for (const socket of sockets.clients) socket.terminate();
    },
    cutSockets() {
      for (const socket of sockets.clients) socket.terminate();
    },
    dropHanging() {
      for (const response of hanging) response.destroy();
      hanging.clear();
    },
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      for (const response of hanging) response.destroy();
      await Promise.all([api, bucket].map(shut));
    },
  };
}

/** Deterministic bytes, different at every offset. */
export function testBytes(sizeBytes: number, seed = 'entrepot'): Buffer<ArrayBuffer> {
  const blocks: Buffer[] = [];
  for (let block = 0; block * 32 < sizeBytes; block += 1) {
    blocks.push(createHash('sha256').update(`${seed}/${block}`).digest());
  }
  return Buffer.from(new Uint8Array(Buffer.concat(blocks).subarray(0, sizeBytes)));
}

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

function history(transfer: TransferView): TransferEvent[] {
  return [
    { seq: 1, at: transfer.createdAt, type: 'created' },
    ...(transfer.startedAt ? [{ seq: 2, at: transfer.startedAt, type: 'moving' }] : []),
    ...(transfer.error ? [{ seq: 3, at: transfer.endedAt ?? now(), type: 'failed', code: transfer.error.code }] : []),
    ...(transfer.phase === 'done' ? [{ seq: 3, at: transfer.endedAt ?? now(), type: 'done' }] : []),
  ];
}

/** Inclusive ranges of the numbers that are there. */
function ranges(chunks: ReadonlyMap<number, Buffer>): [number, number][] {
  const found: [number, number][] = [];
  for (const number of [...chunks.keys()].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else found.push([number, number]);
  }
  return found;
}

async function slurp(request: IncomingMessage, bytesPerSecond?: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) {
    parts.push(part);
    if (bytesPerSecond) await new Promise((resolve) => setTimeout(resolve, (part.length * 1000) / bytesPerSecond));
  }
  return Buffer.concat(parts);
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return address.port;
}

async function shut(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close').catch(() => undefined);
}

function now(): string {
  return new Date().toISOString();
}

function later(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}
