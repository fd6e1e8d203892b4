/** The progress sockets of a Node process: where they are mounted, and how everybody is sent away at its end. */
import { upgradeWebSocket } from '@hono/node-server';
import type { Context, Env, Hono, Schema } from 'hono';
import type { WSEvents } from 'hono/ws';
import { WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '#core/ports/clock.ts';
import { SOCKET_PROTOCOL } from '#core/wire/socket.ts';
import type { Connection, ViewerSocket } from './connection.ts';
import {
  type Admitted,
  FRAME_IN_MAX_BYTES,
  GOING_AWAY,
  SOCKET_PATHS,
  socketViewers,
  type ViewerPorts,
  type ViewerStats,
} from './viewers.ts';

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
  stats(): ViewerStats;
}

const FAREWELL_MS = 2000;
const FAREWELL_STEP_MS = 250;

/** Mounts `GET /ws` and, in the words of its older clients, `GET /ws/upload/progress`. */
export function mountSockets<E extends Env, S extends Schema, P extends string>(
  app: Hono<E, S, P>,
  ports: ViewerPorts,
): Sockets {
  const { clock } = ports;
  const viewers = socketViewers(ports);
  const websocketServer = new WebSocketServer({
    noServer: true,
    maxPayload: FRAME_IN_MAX_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SOCKET_PROTOCOL) ? SOCKET_PROTOCOL : false),
  });

  async function answer(c: Context): Promise<Response> {
    const viewer = await viewers.admit(c.req.raw);
    return 'refused' in viewer ? viewer.refused : upgradeWebSocket(c, events(viewer));
  }

  function events(viewer: Admitted): WSEvents<unknown> {
    let connection: Connection | null = null;
    return {
      onOpen: (_, { raw: socket }) => {
        if (!(socket instanceof WebSocket)) throw new Error('the server runs another WebSocket than ws');
        connection = viewers.enter(viewer, lineOf(socket));
        socket.on('pong', () => connection?.alive());
      },
      onMessage: ({ data }) => connection?.hear(typeof data === 'string' ? data : null),
      onClose: () => connection?.end(),
      // A close follows each error, and whoever broke the rules knows.
      onError: () => connection?.end(),
    };
  }

  async function close(overMs = 0): Promise<void> {
    if (viewers.isShut()) return;
    viewers.shut();
    const leaving = viewers.all();
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

  for (const path of SOCKET_PATHS) app.get(path, answer);
  return { websocketServer, close, shed: viewers.shed, stats: viewers.stats };
}

function lineOf(socket: WebSocket): ViewerSocket {
  return {
    isOpen: () => socket.readyState === WebSocket.OPEN,
    bufferedBytes: () => socket.bufferedAmount,
    send: (text) => socket.send(text),
    ping: () => socket.ping(),
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
  };
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
