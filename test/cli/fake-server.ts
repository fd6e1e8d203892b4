/** A small, strict stand-in for the server and its bucket: it keeps what it is given, and notes whatever a client must not do. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { z } from 'zod';
import { transferIdFrom, uploadIdFrom } from '#core/ids.ts';
import type { DigestAsk } from '#core/wire/digest.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import { AnswersRequest, CreateUpload, SignRequest } from '#core/wire/upload.ts';

export const TOKEN = 'a-token-for-tests';

export interface FakeUpload {
  readonly id: string;
  readonly request: z.output<typeof CreateUpload>;
  readonly chunks: Map<number, Buffer>;
  transfers: TransferView[];
  asks: DigestAsk[];
  readonly answers: Map<string, string>;
  isRemoved: boolean;
}

/** What the bucket does with a put instead of taking it. `drop` cuts the connection. */
export type PutFault = 403 | 429 | 500 | 503 | 'drop';

export interface FakeServer {
  readonly url: string;
  /** By idempotency key, in the order of creation. */
  readonly uploads: Map<string, FakeUpload>;
  /** Of each put that came: the chunk's number. */
  readonly puts: number[];
  /** Taken one after the other by the puts that come. */
  readonly faults: PutFault[];
  /** Announcements that are to come again a minute later. */
  turns: number;
  /** What a client must not do. */
  readonly violations: string[];
  readonly requests: string[];
  /** Called with each upload when all of it is there. */
  onStaged: (upload: FakeUpload) => void;
  /** Called with each put that has come whole, before it is answered; may answer in the bucket's place. */
  onPut: (number: number, upload: FakeUpload | undefined) => Promise<PutFault | undefined> | PutFault | undefined;
  onAnnounced: (upload: FakeUpload) => void;
  close(): Promise<void>;
}

export function viewWith(view: TransferView, changes: Partial<TransferView>): TransferView {
  return { ...view, ...changes, rank: view.rank.map((part, index) => part + Number(index === 0)) };
}

export async function fakeServer({ chunkBytes }: { readonly chunkBytes: number }): Promise<FakeServer> {
  const server = createServer((request, response) => {
    route(request, response).catch((error: unknown) => {
      fake.violations.push(String(error));
      response.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let signatures = 0;
  const valid = new Map<string, { readonly upload: FakeUpload; readonly number: number }>();

  const fake: FakeServer = {
    url,
    uploads: new Map(),
    puts: [],
    faults: [],
    violations: [],
    requests: [],
    turns: 0,
    onStaged: () => undefined,
    onPut: () => undefined,
    onAnnounced: () => undefined,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', url);
    fake.requests.push(`${request.method} ${pathname}`);
    if (pathname.startsWith('/bucket/')) return put(request, response, pathname);
    const body = await bodyOf(request);
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return refuse(response, 401, 'auth.required');
    if (pathname === '/api/v1/uploads' && fake.turns-- > 0) {
      response.setHeader('retry-after', '60');
      return refuse(response, 429, 'uploads.too_many');
    }
    const answer = api(`${request.method} ${pathname}`, body, request);
    if ('status' in answer) return refuse(response, answer.status, answer.code);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer.json));
  }

  type Answer = { readonly json: unknown } | { readonly status: number; readonly code: string };

  function api(call: string, body: Buffer, request: IncomingMessage): Answer {
    const json = (): unknown => JSON.parse(body.toString());
    if (call === 'POST /api/v1/uploads') return { json: announce(json(), String(request.headers['idempotency-key'])) };
    const [, verb = '', noun = '', id = '', word = ''] = /^(\w+) \/api\/v1\/(\w+)\/?([^/]*)\/?(.*)$/.exec(call) ?? [];
    if (noun === 'transfers') return transfers(verb, id, word);
    const upload = [...fake.uploads.values()].find((each) => each.id === id);
    if (noun !== 'uploads' || upload === undefined) return { status: 404, code: 'route.unknown' };
    switch (`${verb} ${word}`) {
      case 'GET ':
        return { json: { ...shown(upload), staged: [...upload.chunks.keys()].map((number) => [number, number]) } };
      case 'POST sign':
        return { json: { chunks: SignRequest.parse(json()).numbers.map((number) => sign(upload, number)) } };
      case 'POST answers':
        for (const answer of AnswersRequest.parse(json()).answers) upload.answers.set(answer.id, answer.digest);
        upload.asks = upload.asks.filter((ask) => !upload.answers.has(ask.id));
        if (upload.asks.length === 0) finish(upload, { instant: true, status: 'quick_success' });
        return { json: shown(upload) };
      case 'DELETE ':
        upload.isRemoved = true;
        return { json: shown(upload) };
      default:
        return { status: 404, code: 'route.unknown' };
    }
  }

  function transfers(verb: string, id: string, word: string): Answer {
    const all = [...fake.uploads.values()].flatMap((upload) => upload.transfers);
    if (id === '') return { json: { items: all, next: null } };
    const upload = [...fake.uploads.values()].find((each) => each.transfers.some((view) => view.id === id));
    const view = upload?.transfers.find((each) => each.id === id);
    if (upload === undefined || view === undefined) return { status: 404, code: 'transfer.unknown' };
    if (verb === 'GET') return { json: view };
    if (word !== 'retry') return { json: view };
    if (view.phase !== 'failed') return { status: 409, code: 'transfer.not_failed' };
    const retried = viewWith(view, { phase: 'moving', status: 'uploading', error: null, attempt: view.attempt + 1 });
    upload.transfers = upload.transfers.map((each) => (each.id === id ? retried : each));
    return { json: retried };
  }

  function announce(body: unknown, key: string): unknown {
    const request = CreateUpload.parse(body);
    const before = fake.uploads.get(key);
    const upload = before ?? made(key, request);
    if (JSON.stringify(upload.request) !== JSON.stringify(request)) fake.violations.push('key used for another file');
    if (before === undefined) {
      fake.uploads.set(key, upload);
      if (request.sizeBytes === 0) fake.onStaged(upload);
      fake.onAnnounced(upload);
    }
    const numbers = Array.from({ length: Math.min(4, countOf(upload)) }, (_, index) => index + 1);
    return { ...shown(upload), chunks: numbers.map((number) => sign(upload, number)) };
  }

  function sign(upload: FakeUpload, number: number): unknown {
    const path = `/bucket/${upload.id}/${number}/${++signatures}`;
    valid.set(path, { upload, number });
    const sizeBytes = sizeOf(upload, number);
    const headers = { 'if-none-match': '*', 'x-signed': String(signatures) };
    return { number, sizeBytes, method: 'PUT', url: url + path, headers, expiresAt: '2099-01-01T00:00:00.000Z' };
  }

  async function put(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const signed = valid.get(path);
    const number = signed?.number ?? 0;
    fake.puts.push(number);
    const queued = fake.faults.shift();
    const body = queued === 'drop' ? Buffer.alloc(0) : await bodyOf(request);
    const fault = queued ?? (await fake.onPut(number, signed?.upload));
    if (fault === 'drop') {
      request.socket.destroy();
      return;
    }
    if (fault !== undefined || signed === undefined) {
      response.writeHead(fault ?? 403, fault === 503 ? { 'retry-after': '1' } : {}).end();
      return;
    }
    const { upload } = signed;
    const { 'content-length': length, 'if-none-match': ifNoneMatch, 'x-signed': signature } = request.headers;
    if (length !== String(sizeOf(upload, number))) fake.violations.push(`chunk ${number} has length ${length}`);
    if (ifNoneMatch !== '*' || !path.endsWith(`/${signature}`)) fake.violations.push(`chunk ${number}: headers`);
    if (request.headers.authorization !== undefined) fake.violations.push('the token was sent to the bucket');
    if (upload.chunks.has(number)) {
      response.writeHead(412).end();
      return;
    }
    upload.chunks.set(number, body);
    response.writeHead(200).end();
    if (upload.chunks.size === countOf(upload)) fake.onStaged(upload);
  }

  function made(key: string, request: FakeUpload['request']): FakeUpload {
    const id = uploadIdFrom(key);
    const transfers = request.destinations.map(({ id: destinationId, path }, index): TransferView => {
      return {
        id: transferIdFrom(id, index),
        uploadId: id,
        destinationId,
        path,
        name: request.name,
        status: 'pending',
        phase: 'staging',
        wish: null,
        sizeBytes: request.sizeBytes,
        stagedBytes: 0,
        movedBytes: 0,
        partCount: 0,
        partsDone: 0,
        speedBytesPerSecond: 0,
        etaSeconds: null,
        attempt: 1,
        rank: [0],
        error: null,
        receipt: null,
        instant: false,
        createdAt: '2026-11-22T00:00:00.000Z',
        startedAt: null,
        endedAt: null,
      };
    });
    return { id, request, chunks: new Map(), transfers, asks: [], answers: new Map(), isRemoved: false };
  }

  function shown(upload: FakeUpload) {
    const { id, request, transfers, asks, isRemoved } = upload;
    const stagedBytes = [...upload.chunks.values()].reduce((sum, chunk) => sum + chunk.length, 0);
    return {
      upload: {
        id,
        name: request.name,
        sizeBytes: request.sizeBytes,
        phase: isRemoved ? 'removed' : 'open',
        chunkBytes,
        chunkCount: countOf(upload),
        createdAt: '2026-11-22T00:00:00.000Z',
        expiresAt: '2099-01-01T00:00:00.000Z',
      },
      transfers: transfers.map((view) => ({ ...view, stagedBytes })),
      asks,
    };
  }

  const countOf = ({ request }: FakeUpload): number => Math.ceil(request.sizeBytes / chunkBytes);
  const sizeOf = ({ request }: FakeUpload, number: number): number =>
    Math.min(chunkBytes, request.sizeBytes - (number - 1) * chunkBytes);
  return fake;
}

/** Ends all transfers of an upload: delivered, unless told otherwise. */
export function finish(upload: FakeUpload, changes: Partial<TransferView> = {}): void {
  upload.transfers = upload.transfers.map((view) => viewWith(view, { phase: 'done', status: 'success', ...changes }));
}

export function bytesOf(upload: FakeUpload | undefined): Buffer {
  const chunks = [...(upload?.chunks ?? [])].sort(([a], [b]) => a - b);
  return Buffer.concat(chunks.map(([, chunk]) => chunk));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

function refuse(response: ServerResponse, status: number, code: string): void {
  const body = { error: { code, message: 'the fake refuses', requestId: 'r' } };
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
