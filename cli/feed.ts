/** The server's progress socket: views as they come, connected again for as long as somebody listens. */
import { WebSocket } from 'ws';
import type { Clock } from '#core/ports/clock.ts';
import { type ClientFrame, ServerFrame, SOCKET_PROTOCOL } from '#core/wire/socket.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import type { Client } from './client.ts';

export interface Feed {
  /** Whether news come by themselves now. */
  isLive(): boolean;
  close(): void;
}

export interface FeedPorts {
  readonly client: Pick<Client, 'ticket' | 'address'>;
  readonly clock: Clock;
  readonly onViews: (views: readonly TransferView[]) => void;
}

const RECONNECT_FIRST_MS = 500;
const RECONNECT_MAX_MS = 30_000;
/** The server shows a sign of life every 25 s. */
const SILENCE_MAX_MS = 60_000;
const FRAME_MAX_BYTES = 16 * 1024 * 1024;

/** Never fails: who is not told by the socket has to look. */
export function openFeed({ client, clock, onViews }: FeedPorts): Feed {
  const closing = new AbortController();
  let live: WebSocket | null = null;

  async function run(): Promise<void> {
    for (let failures = 0; !closing.signal.aborted; failures++) {
      const { ticket } = await client.ticket().catch(() => ({ ticket: null }));
      if (ticket !== null && (await listen(ticket))) failures = 0;
      const waitMs = Math.min(RECONNECT_MAX_MS, RECONNECT_FIRST_MS * 2 ** failures);
      await clock.sleep(waitMs * (0.5 + clock.random() / 2), closing.signal);
    }
  }

  /** Until the socket closes. Answers whether it ever told anything. */
  function listen(ticket: string): Promise<boolean> {
    return new Promise((resolve) => {
      if (closing.signal.aborted) return resolve(false);
      const url = `${client.address.url.replace(/^http/, 'ws')}/ws`;
      const socket = new WebSocket(url, [SOCKET_PROTOCOL, `ticket.${ticket}`], {
        maxPayload: FRAME_MAX_BYTES,
        perMessageDeflate: false,
        handshakeTimeout: 10_000,
      });
      const silence = setTimeout(() => socket.terminate(), SILENCE_MAX_MS);
      const hear = frameReader(onViews, (frame) => socket.send(JSON.stringify(frame)));
      let hasTold = false;
      const onAbort = () => socket.terminate();
      closing.signal.addEventListener('abort', onAbort, { once: true });
      socket.on('ping', () => silence.refresh());
      socket.on('message', (data, isBinary) => {
        silence.refresh();
        if (isBinary || !hear(String(data))) return socket.terminate();
        hasTold = true;
        live = socket;
      });
      // A close follows each error.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearTimeout(silence);
        closing.signal.removeEventListener('abort', onAbort);
        live = null;
        resolve(hasTold);
      });
    });
  }

  // Ends by the abort of `close` alone.
  run().catch(() => undefined);
  return {
    isLive: () => live !== null,
    close: () => closing.abort(),
  };
}

/** Answers false for what is no frame. A gap in `seq` is answered with the wish for a snapshot. */
export function frameReader(onViews: FeedPorts['onViews'], say: (frame: ClientFrame) => void) {
  let seq = 0;
  return (text: string): boolean => {
    const parsed = ServerFrame.safeParse(parseJson(text));
    if (!parsed.success) return false;
    const { event, data } = parsed.data;
    if (event !== 'snapshot' && event !== 'changes') return true;
    if (event === 'changes' && data.seq !== seq + 1) say({ event: 'resync' });
    seq = data.seq;
    onViews(data.transfers);
    return true;
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
