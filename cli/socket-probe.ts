/** One try at the progress socket, as a page of the server would make it, and exactly what went wrong. */
import { WebSocket } from 'ws';
import { SOCKET_PROTOCOL } from '#core/wire/socket.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import type { Client } from './client.ts';
import { frameReader } from './feed.ts';
import { hasEnded } from './follow.ts';
import { Problem } from './problem.ts';

export interface SocketProbe {
  /** How many transfers the snapshot had. */
  readonly transferCount: number;
  /** The last view of the transfer, as the socket tells it. Never, when it does not. */
  ended(id: string): Promise<TransferView>;
  close(): void;
}

const HANDSHAKE_MS = 10_000;
const FRAME_MAX_BYTES = 16 * 1024 * 1024;
/** Ended transfers that were told before anybody asked for one of them. */
const KEPT_MAX = 1_000;

/**
 * Resolves with the snapshot. Throws a Problem: `socket.refused_<status>` when the handshake was answered with another status than
 * 101, `socket.closed_<code>` when it closed before the snapshot, `socket.unreachable`, `socket.not_ours` for what is no frame. A
 * server that says nothing is waited for without end.
 */
export async function openProbe(client: Pick<Client, 'ticket' | 'address'>): Promise<SocketProbe> {
  const { ticket } = await client.ticket();
  const { url } = client.address;
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws`, [SOCKET_PROTOCOL, `ticket.${ticket}`], {
    origin: new URL(url).origin,
    maxPayload: FRAME_MAX_BYTES,
    perMessageDeflate: false,
    handshakeTimeout: HANDSHAKE_MS,
  });
  const snapshot = Promise.withResolvers<number>();
  const over = new Map<string, TransferView>();
  const awaited = new Map<string, (view: TransferView) => void>();

  function hear(views: readonly TransferView[]): void {
    snapshot.resolve(views.length);
    for (const view of views) {
      if (!hasEnded(view)) continue;
      if (over.size < KEPT_MAX) over.set(view.id, view);
      awaited.get(view.id)?.(view);
    }
  }

  const fail = (code: string, message: string): void => {
    snapshot.reject(new Problem(code, message));
    socket.terminate();
  };
  const read = frameReader(hear, (frame) => socket.send(JSON.stringify(frame)));
  socket.on('message', (data, isBinary) => {
    if (isBinary || !read(String(data))) fail('socket.not_ours', 'what the socket says is not of this protocol');
  });
  socket.on('unexpected-response', (_, { statusCode }) => {
    fail(`socket.refused_${statusCode}`, `the handshake was answered with ${statusCode}`);
  });
  socket.on('error', () => fail('socket.unreachable', 'there was no answer to the handshake, or the connection broke'));
  socket.on('close', (code) =>
    fail(`socket.closed_${code}`, `the socket was closed with ${code} before it told anything`),
  );

  const transferCount = await snapshot.promise;
  return {
    transferCount,
    ended: (id) => {
      const told = over.get(id);
      return told === undefined ? new Promise((resolve) => awaited.set(id, resolve)) : Promise.resolve(told);
    },
    close: () => socket.terminate(),
  };
}
