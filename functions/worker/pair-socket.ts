/** A viewer's socket as workerd has it: it cannot ping, and does not say how much waits to be sent. */
import type { Connection, ViewerSocket } from '../../relay/connection.ts';
import { type Admitted, FRAME_IN_MAX_BYTES, type Viewers } from '../../relay/viewers.ts';

/**
 * What may be sent to a peer that says nothing meanwhile: workerd keeps what the peer does not read, in the 128 MiB of all of them. Our
 * page speaks every 25 s, in which two full frames a second come to less.
 */
const UNHEARD_BYTES_MAX = 12 * 1024 * 1024;
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
    line.heard();
    if (typeof data === 'string' && data.length > FRAME_IN_MAX_BYTES) line.close(TOO_BIG, 'a frame has 16 KiB at most');
    else connection?.hear(typeof data === 'string' ? data : null);
  });
  for (const end of ['close', 'error'] as const) ours.addEventListener(end, () => connection?.end());
  connection = viewers.enter(viewer, line);
  const headers: Record<string, string> = viewer.protocol === null ? {} : { 'sec-websocket-protocol': viewer.protocol };
  const upgrade = { status: 101, headers, webSocket: theirs };
  return new Response(null, upgrade);
}

/** `heard`: the peer has said something. `onTerminate` is called when the line ends without its peer. */
export function lineOf(
  socket: Pick<WorkerSocket, 'readyState' | 'send' | 'close'>,
  onTerminate: () => void,
): ViewerSocket & { heard(): void } {
  let unheardBytes = 0;
  const close = (code: number, reason: string): void => {
    if (socket.readyState === OPEN) socket.close(code, reason);
  };
  const terminate = (): void => {
    close(SILENT, 'no sign of life');
    onTerminate();
  };
  return {
    isOpen: () => socket.readyState === OPEN,
    bufferedBytes: () => 0,
    heard: () => {
      unheardBytes = 0;
    },
    send: (text) => {
      unheardBytes += text.length;
      if (unheardBytes > UNHEARD_BYTES_MAX) return terminate();
      socket.send(text);
    },
    ping: null,
    close,
    terminate,
  };
}
