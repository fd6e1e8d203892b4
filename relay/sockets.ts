/** The progress sockets: who may connect, how many, and how they are kept alive and sent away. */
import { upgradeWebSocket } from '@hono/node-server';
import type { Context, Env, Hono, Schema } from 'hono';
import type { WSEvents } from 'hono/ws';
import { WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '#core/ports/clock.ts';
import type { ProgressHub } from '#core/progress/hub.ts';
import { SOCKET_PROTOCOL } from '#core/wire/socket.ts';
import { type Codec, nativeCodec } from './codec.ts';
import { type Connection, openConnection } from './connection.ts';
import type { TicketOffice } from './tickets.ts';
import { uploadProgressCodec } from './upload-progress.ts';

export interface SocketPorts {
  readonly hub: ProgressHub;
  readonly tickets: TicketOffice;
  /** `origin` as a browser sent it, `host` of the request. Requests without an Origin are no browser's and not asked about. */
  readonly allowOrigin: (origin: string, host: string) => boolean;
  readonly clock: Clock;
  readonly limits?: SocketLimits;
}

/** Beyond either, a connection is closed with 1013 as soon as it opens. */
export interface SocketLimits {
  readonly connectionsMax: number;
  readonly connectionsPerOwnerMax: number;
}

export interface Sockets {
  /** For `serve({ websocket: { server } })`. */
  readonly websocketServer: WebSocketServer;
  /** Sends everybody away with 1001 and lets nobody in; who lingers is cut off after 2 s. Give it up before the HTTP server. */
  close(): Promise<void>;
  stats(): {
    readonly connections: number;
    readonly owners: number;
    readonly bufferedBytes: number;
    readonly refused: number;
  };
}

const DEFAULT_LIMITS: SocketLimits = { connectionsMax: 5000, connectionsPerOwnerMax: 1000 };
const FRAME_IN_MAX_BYTES = 16 * 1024;
const BEAT_MS = 25_000;
const FAREWELL_MS = 2000;
const TICKET_PREFIX = 'ticket.';

const GOING_AWAY = 1001;
const TRY_LATER = 1013;

/** Mounts `GET /ws` and, in the words of its older clients, `GET /ws/upload/progress`. */
export function mountSockets<E extends Env, S extends Schema, P extends string>(
  app: Hono<E, S, P>,
  { hub, tickets, allowOrigin, clock, limits = DEFAULT_LIMITS }: SocketPorts,
): Sockets {
  const connections = new Set<Connection>();
  const closing = new AbortController();
  let refused = 0;
  const websocketServer = new WebSocketServer({
    noServer: true,
    maxPayload: FRAME_IN_MAX_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SOCKET_PROTOCOL) ? SOCKET_PROTOCOL : false),
  });

  function route(makeCodec: () => Codec) {
    return async (c: Context): Promise<Response> => {
      if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') {
        return c.text('this address speaks WebSocket', 426, { connection: 'Upgrade', upgrade: 'websocket' });
      }
      if (closing.signal.aborted) return refuse(c, 503);
      const origin = c.req.header('origin');
      if (origin !== undefined && !allowOrigin(origin, c.req.header('host') ?? '')) return refuse(c, 403);
      const ticket = ticketOf(c);
      const ownerId = ticket === null ? null : tickets.redeem(ticket);
      if (ownerId === null) return refuse(c, 401);
      return upgradeWebSocket(c, events(ownerId, makeCodec()));
    };
  }

  function refuse(c: Context, status: 401 | 403 | 503): Response {
    refused++;
    return c.body(null, status);
  }

  function events(ownerId: string, codec: Codec): WSEvents<unknown> {
    let connection: Connection | null = null;
    return {
      onOpen: (_, { raw: socket }) => {
        if (!(socket instanceof WebSocket)) throw new Error('the server runs another WebSocket than ws');
        if (closing.signal.aborted) return socket.close(GOING_AWAY, 'the server is going away');
        if (isCrowded(ownerId)) {
          refused++;
          return socket.close(TRY_LATER, 'too many connections');
        }
        connection = openConnection({ ownerId, socket, hub, codec, clock });
        connections.add(connection);
      },
      onMessage: ({ data }) => connection?.hear(typeof data === 'string' ? data : null),
      onClose: () => {
        connection?.end();
        if (connection !== null) connections.delete(connection);
      },
      // A close follows each error, and whoever broke the rules knows.
      onError: () => connection?.end(),
    };
  }

  function isCrowded(ownerId: string): boolean {
    if (connections.size >= limits.connectionsMax) return true;
    let count = 0;
    for (const connection of connections) if (connection.ownerId === ownerId) count++;
    return count >= limits.connectionsPerOwnerMax;
  }

  async function beatForever(): Promise<void> {
    while (!closing.signal.aborted) {
      await clock.sleep(BEAT_MS, closing.signal);
      for (const connection of connections) connection.beat();
    }
  }

  async function close(): Promise<void> {
    if (closing.signal.aborted) return;
    closing.abort();
    for (const connection of connections) connection.leave(GOING_AWAY, 'the server is going away');
    await allGone(websocketServer, clock);
    websocketServer.close();
  }

  // Ends by the abort of `close` alone.
  beatForever().catch(() => undefined);
  app.get(
    '/ws',
    route(() => nativeCodec),
  );
  app.get(
    '/ws/upload/progress',
    route(() => uploadProgressCodec(clock.now)),
  );
  return {
    websocketServer,
    close,
    stats: () => ({
      connections: connections.size,
      owners: new Set([...connections].map(({ ownerId }) => ownerId)).size,
      bufferedBytes: [...connections].reduce((sum, connection) => sum + connection.bufferedBytes(), 0),
      refused,
    }),
  };
}

/** From the subprotocols beside our own, else from the query. A URL may end in a log: a ticket there is used up by then. */
function ticketOf(c: Context): string | null {
  const offered = (c.req.header('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim());
  const ticket = offered.find((name) => name.startsWith(TICKET_PREFIX));
  if (ticket !== undefined && offered.includes(SOCKET_PROTOCOL)) return ticket.slice(TICKET_PREFIX.length);
  return c.req.query('token') ?? null;
}

/** Until every socket has closed; those that do not answer the farewell are cut off. */
async function allGone({ clients }: WebSocketServer, clock: Clock): Promise<void> {
  const closed = Promise.all([...clients].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  const patience = new AbortController();
  const lateness = clock.sleep(FAREWELL_MS, patience.signal).catch(() => undefined);
  await Promise.race([closed, lateness]);
  patience.abort();
  for (const socket of clients) socket.terminate();
  await closed;
}
