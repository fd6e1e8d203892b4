/** A viewer's socket as workerd has it: it cannot ping, and does not say how much waits to be sent. */
import type { Connection, ViewerSocket } from '../../relay/connection.ts';
import { type Admitted, FRAME_IN_MAX_BYTES, type Viewers } from '../../relay/viewers.ts';

const OPEN = 1;
const TOO_BIG = 1009;
const SILENT = 1011;

/** The answer that opens a socket, whose other end is among the viewers from now on. */
export function openPair(viewers: Pick<Viewers, 'enter'>, viewer: Admitted): Response {
  const { 0: theirs, 1: ours } = new WebSocketPair();
  let connection: Connection | null = null;
  // Nothing is heard of a peer that is gone: who ends a socket does not wait for its close.
  const line = lineOf(ours, () => connection?.end());
  ours.accept();
  ours.addEventListener('message', ({ data }) => {
    if (typeof data === 'string' && data.length > FRAME_IN_MAX_BYTES) line.close(TOO_BIG, 'a frame has 16 KiB at most');
    else connection?.hear(typeof data === 'string' ? data : null);
  });
  for (const end of ['close', 'error'] as const) ours.addEventListener(end, () => connection?.end());
  connection = viewers.enter(viewer, line);
  const headers: Record<string, string> = viewer.protocol === null ? {} : { 'sec-websocket-protocol': viewer.protocol };
  const upgrade = { status: 101, headers, webSocket: theirs };
  return new Response(null, upgrade);
}

function lineOf(socket: WorkerSocket, onTerminate: () => void): ViewerSocket {
  const close = (code: number, reason: string): void => {
    if (socket.readyState === OPEN) socket.close(code, reason);
  };
  return {
    isOpen: () => socket.readyState === OPEN,
    bufferedBytes: () => 0,
    send: (text) => socket.send(text),
    ping: null,
    close,
    terminate: () => {
      close(SILENT, 'no sign of life');
      onTerminate();
    },
  };
}
