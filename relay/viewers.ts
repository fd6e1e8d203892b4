/** Those who watch at one process: who may come in, in which language, how many, and how they are kept alive. */
import type { Clock } from '#core/ports/clock.ts';
import type { ProgressHub } from '#core/progress/hub.ts';
import { SOCKET_PROTOCOL } from '#core/wire/socket.ts';
import { type Codec, nativeCodec } from './codec.ts';
import { type Connection, openConnection, type ViewerSocket } from './connection.ts';
import { taskCodec } from './task-codec.ts';
import type { TicketOffice } from './tickets.ts';
import { uploadProgressCodec } from './upload-progress.ts';

export interface ViewerPorts {
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

/** Somebody whose ticket is used up now. */
export interface Admitted {
  readonly ownerId: string;
  readonly codec: Codec;
  /** The subprotocol to answer with, if any was offered that we speak. */
  readonly protocol: typeof SOCKET_PROTOCOL | null;
}

export interface ViewerStats {
  readonly connections: number;
  readonly owners: number;
  readonly bufferedBytes: number;
  readonly refused: number;
}

export interface Viewers {
  /** Of a request for a WebSocket: who it is, or what to answer instead of one. */
  admit(request: Request): Promise<Admitted | { readonly refused: Response }>;
  /** With an open socket; null when it was sent away. `end` of what it answers is to be called when the socket has closed. */
  enter(viewer: Admitted, socket: ViewerSocket): Connection | null;
  all(): readonly Connection[];
  /** Cuts off those who read slowest until at most so many bytes wait for all together. Answers how many were cut off. */
  shed(bufferedBytesMax: number): number;
  /** Lets nobody in from now on. */
  shut(): void;
  isShut(): boolean;
  stats(): ViewerStats;
}

/** The routes of sockets: our own, and that of older clients. */
export const SOCKET_PATHS = ['/ws', '/ws/upload/progress'] as const;
export const FRAME_IN_MAX_BYTES = 16 * 1024;
export const GOING_AWAY = 1001;
const TRY_LATER = 1013;

const DEFAULT_LIMITS: SocketLimits = { connectionsMax: 5000, connectionsPerOwnerMax: 1000 };
const BEAT_MS = 25_000;
const TICKET_PREFIX = 'ticket.';

export function socketViewers({ hub, tickets, allowOrigin, clock, limits = DEFAULT_LIMITS }: ViewerPorts): Viewers {
  const connections = new Set<Connection>();
  const closing = new AbortController();
  let isBeating = false;
  let refused = 0;

  async function admit(request: Request): Promise<Admitted | { readonly refused: Response }> {
    const { headers } = request;
    if (headers.get('upgrade')?.toLowerCase() !== 'websocket') {
      const upgrade = { connection: 'Upgrade', upgrade: 'websocket' };
      return { refused: new Response('this address speaks WebSocket', { status: 426, headers: upgrade }) };
    }
    if (closing.signal.aborted) return refuse(503);
    const origin = headers.get('origin');
    if (origin !== null && !allowOrigin(origin, headers.get('host') ?? '')) return refuse(403);
    const url = new URL(request.url);
    const offered = offeredBy(headers);
    const ticket = ticketOf(offered, url);
    const ownerId = ticket === null ? null : await tickets.redeem(ticket);
    if (ownerId === null) return refuse(401);
    const protocol = offered.includes(SOCKET_PROTOCOL) ? SOCKET_PROTOCOL : null;
    return { ownerId, codec: codecFor(url.pathname, protocol), protocol };
  }

  function refuse(status: 401 | 403 | 503): { readonly refused: Response } {
    refused++;
    return { refused: new Response(null, { status }) };
  }

  function codecFor(path: string, protocol: Admitted['protocol']): Codec {
    if (path === '/ws/upload/progress') return uploadProgressCodec(clock.now);
    return protocol === null ? taskCodec() : nativeCodec;
  }

  function enter({ ownerId, codec }: Admitted, socket: ViewerSocket): Connection | null {
    if (closing.signal.aborted) {
      socket.close(GOING_AWAY, 'the server is going away');
      return null;
    }
    if (isCrowded(ownerId)) {
      refused++;
      socket.close(TRY_LATER, 'too many connections');
      return null;
    }
    const opened = openConnection({ ownerId, socket, hub, codec, clock });
    const connection: Connection = {
      ...opened,
      end: () => {
        opened.end();
        connections.delete(connection);
      },
    };
    connections.add(connection);
    // Ends by the abort of `shut` alone.
    if (!isBeating) beatWhileWatched().catch(() => undefined);
    return connection;
  }

  function isCrowded(ownerId: string): boolean {
    if (connections.size >= limits.connectionsMax) return true;
    let count = 0;
    for (const connection of connections) if (connection.ownerId === ownerId) count++;
    return count >= limits.connectionsPerOwnerMax;
  }

  /** Not longer: a timer keeps some processes from being put to sleep. */
  async function beatWhileWatched(): Promise<void> {
    isBeating = true;
    try {
      while (connections.size > 0) {
        await clock.sleep(BEAT_MS, closing.signal);
        for (const connection of connections) connection.beat();
      }
    } finally {
      isBeating = false;
    }
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

  return {
    admit,
    enter,
    all: () => [...connections],
    shed,
    shut: () => closing.abort(),
    isShut: () => closing.signal.aborted,
    stats: () => ({
      connections: connections.size,
      owners: new Set([...connections].map(({ ownerId }) => ownerId)).size,
      bufferedBytes: bufferedBytes(),
      refused,
    }),
  };
}

/** From the subprotocols beside our own, else from the query. A URL may end in a log: a ticket there is used up by then. */
function ticketOf(offered: readonly string[], { searchParams }: URL): string | null {
  const ticket = offered.find((name) => name.startsWith(TICKET_PREFIX));
  if (ticket !== undefined && offered.includes(SOCKET_PROTOCOL)) return ticket.slice(TICKET_PREFIX.length);
  return searchParams.get('token');
}

function offeredBy(headers: Headers): readonly string[] {
  return (headers.get('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim());
}
