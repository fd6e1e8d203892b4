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
import { taskCodec } from './task-codec.ts';
import type { TicketOffice } from './tickets.ts';
import { uploadProgressCodec } from './upload-progress.ts';

export interface SocketPorts {
  readonly hub: ProgressHub;
  readonly tickets: Pick<TicketOffice, 'redeem'>;
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
  /**
   * Lets nobody in from now on and sends everybody away with 1001, evenly within `overMs`, so that they do not come to another
   * server all at once; who lingers is cut off 2 s after the last. Give it up before the HTTP server.
   */
  close(overMs?: number): Promise<void>;
  /** Cuts off those who read slowest until at most so many bytes wait for all together. Answers how many were cut off. */
  shed(bufferedBytesMax: number): number;
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
const FAREWELL_STEP_MS = 250;
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

  function route(makeCodec: (c: Context) => Codec) {
    return async (c: Context): Promise<Response> => {
      if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') {
        return c.text('this address speaks WebSocket', 426, { connection: 'Upgrade', upgrade: 'websocket' });
      }
      if (closing.signal.aborted) return refuse(c, 503);
      const origin = c.req.header('origin');
      if (origin !== undefined && !allowOrigin(origin, c.req.header('host') ?? '')) return refuse(c, 403);
      const ticket = ticketOf(c);
      const ownerId = ticket === null ? null : await tickets.redeem(ticket);
      if (ownerId === null) return refuse(c, 401);
      return upgradeWebSocket(c, events(ownerId, makeCodec(c)));
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

  async function close(overMs = 0): Promise<void> {
    if (closing.signal.aborted) return;
    closing.abort();
    const leaving = [...connections];
    const perStep = Math.ceil((leaving.length * FAREWELL_STEP_MS) / Math.max(overMs, FAREWELL_STEP_MS));
    for (let at = 0; at < leaving.length; at += perStep) {
      if (at > 0) await clock.sleep(FAREWELL_STEP_MS);
      for (const connection of leaving.slice(at, at + perStep)) {
        connection.leave(GOING_AWAY, 'the server is going away');
      }
    }
    await allGone(websocketServer, clock);
    websocketServer.close();
  }

  function shed(bufferedBytesMax: number): number {
    let bytes = bufferedBytes();
    if (bytes <= bufferedBytesMax) return 0;
    let count = 0;
    for (const connection of [...connections].sort((a, b) => b.bufferedBytes() - a.bufferedBytes())) {
      if (bytes <= bufferedBytesMax) break;
      bytes -= connection.bufferedBytes();
      connection.cut();
      count++;
    }
    return count;
  }

  function bufferedBytes(): number {
    return [...connections].reduce((sum, connection) => sum + connection.bufferedBytes(), 0);
  }

  // Ends by the abort of `close` alone.
  beatForever().catch(() => undefined);
  app.get(
    '/ws',
    route((c) => (offeredBy(c).includes(SOCKET_PROTOCOL) ? nativeCodec : taskCodec())),
  );
  app.get(
    '/ws/upload/progress',
    route(() => uploadProgressCodec(clock.now)),
  );
  return {
    websocketServer,
    close,
    shed,
    stats: () => ({
      connections: connections.size,
      owners: new Set([...connections].map(({ ownerId }) => ownerId)).size,
      bufferedBytes: bufferedBytes(),
      refused,
    }),
  };
}

/** From the subprotocols beside our own, else from the query. A URL may end in a log: a ticket there is used up by then. */
function ticketOf(c: Context): string | null {
  const offered = offeredBy(c);
  const ticket = offered.find((name) => name.startsWith(TICKET_PREFIX));
  if (ticket !== undefined && offered.includes(SOCKET_PROTOCOL)) return ticket.slice(TICKET_PREFIX.length);
  return c.req.query('token') ?? null;
}

function offeredBy(c: Context): readonly string[] {
  return (c.req.header('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim());
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
