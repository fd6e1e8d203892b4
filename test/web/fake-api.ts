/**
 * A small strict server for the page: the API and the socket on one port, the bucket on another. In memory. Its bad days
 * are switched on by name; nothing here happens by the clock but what a test asks for.
 */
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Notice } from '#core/wire/notice.ts';
import { ClientFrame, type ServerFrame, SOCKET_PROTOCOL } from '#core/wire/socket.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import { putObject } from './fake-bucket.ts';
import { answerApi } from './fake-routes.ts';
import { type FakeOptions, type FakeState, type Fault, fakeState } from './fake-state.ts';

export interface FakeApi
  extends Pick<
    FakeState,
    'uploads' | 'transfers' | 'destinations' | 'agents' | 'alerts' | 'histories' | 'log' | 'events' | 'plant' | 'change'
  > {
  readonly origin: string;
  fault(fault: Omit<Fault, 'times'> & { times?: number }): void;
  clearFaults(): void;
  /** All tickets signed so far stop being good. */
  expireTickets(): void;
  /** The content of an upload as it is staged. */
  content(uploadId: string): Buffer;
  /** Loses the next `frames` frames of changes on the way: their numbers are spent. */
  loseFrames(frames: number): void;
  /** Another run of the server: a new epoch, all sockets cut. */
  restart(): void;
  cutSockets(): void;
  /** A word to all sockets. */
  notify(notice: Notice): void;
  /** Cuts the lines of all requests that hang. */
  dropHanging(): void;
  close(): Promise<void>;
}

export async function fakeApi(options: FakeOptions = {}): Promise<FakeApi> {
  let epoch = randomUUID();
  let seq = 0;
  let framesToLose = 0;
  const state = fakeState(options, () => originOf(bucket), tell);
  const bucket = createServer(
    (request, response) => void putObject(state, request, response).catch(() => response.destroy()),
  );
  const api = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost');
    if (url.pathname.startsWith('/api/')) void answerApi(state, request, response, url).catch(() => response.destroy());
    else void servePage(options.pageDir, url.pathname, response);
  });
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (protocols) => (protocols.has(SOCKET_PROTOCOL) ? SOCKET_PROTOCOL : false),
  });

  api.on('upgrade', (request, socket, head) => {
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((word) => word.trim());
    const ticket = offered.find((word) => word.startsWith('ticket.'))?.slice('ticket.'.length);
    // A ticket is spent by its first use, also by one that fails.
    const isKnown = ticket !== undefined && state.socketTickets.delete(ticket);
    const isRoute = new URL(request.url ?? '', 'http://localhost').pathname === '/ws';
    if (state.takeFault('WS', '') || !isKnown || !isRoute) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, greet);
  });

  function greet(socket: WebSocket): void {
    socket.on('message', (data) => {
      const frame = ClientFrame.parse(JSON.parse(String(data)));
      state.events.emit('frame', frame);
      if (frame.event === 'ping') send(socket, { event: 'pong', data: { timestamp: frame.data.timestamp } });
      else send(socket, snapshot());
    });
    send(socket, { event: 'connection:established', data: { epoch, at: new Date().toISOString() } });
    send(socket, snapshot());
  }

  function snapshot(): ServerFrame {
    return { event: 'snapshot', data: { epoch, seq, transfers: [...state.transfers.values()] } };
  }

  function tell(changed: readonly TransferView[]): void {
    seq += 1;
    if (framesToLose > 0) {
      framesToLose -= 1;
      return;
    }
    for (const socket of sockets.clients) {
      send(socket, { event: 'changes', data: { seq, transfers: [...changed], removed: [] } });
    }
  }

  function cutSockets(): void {
    for (const socket of sockets.clients) socket.terminate();
  }

  function dropHanging(): void {
    for (const response of state.hanging) response.destroy();
    state.hanging.clear();
  }

  state.addDestination({ id: 'nas', provider: 'folder', settings: { root: '/srv/nas' } });
  const archive = { bucket: 'archive', region: 'eu-west-1' };
  state.addDestination({ id: 'archive', provider: 's3', settings: archive, credentials: { accessKeyId: 'key' } });
  await Promise.all([api, bucket].map((server) => once(server.listen(0, '127.0.0.1'), 'listening')));
  const { uploads, transfers, destinations, agents, alerts, histories, log, events, plant, change } = state;
  return {
    ...{ uploads, transfers, destinations, agents, alerts, histories, log, events, plant, change },
    origin: originOf(api),
    fault: (fault) => void state.faults.push({ times: 1, ...fault }),
    clearFaults: () => void state.faults.splice(0),
    expireTickets: () => state.tickets.clear(),
    content(uploadId) {
      const chunks = [...(uploads.get(uploadId)?.chunks ?? [])].sort(([a], [b]) => a - b);
      return Buffer.concat(chunks.map(([, bytes]) => bytes));
    },
    loseFrames: (frames) => {
      framesToLose = frames;
    },
    restart() {
      epoch = randomUUID();
      seq = 0;
      cutSockets();
    },
    cutSockets,
    notify: (data) => {
      for (const socket of sockets.clients) send(socket, { event: 'notification', data });
    },
    dropHanging,
    async close() {
      cutSockets();
      dropHanging();
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

async function servePage(dir: string | undefined, path: string, response: ServerResponse): Promise<void> {
  const file = path === '/' ? 'index.html' : normalize(path).slice(1);
  const bytes = dir === undefined ? null : await readFile(join(dir, file)).catch(() => null);
  if (bytes === null) response.writeHead(404).end();
  else response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(bytes);
}

function send(socket: WebSocket, frame: ServerFrame): void {
  socket.send(JSON.stringify(frame));
}

function originOf(server: Server): string {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return `http://127.0.0.1:${address.port}`;
}

async function shut(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}
