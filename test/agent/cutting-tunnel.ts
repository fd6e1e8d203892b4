/** Stands between agent and home on TCP, and breaks every connection when so many bytes have gone through. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, connect as dial, type Socket } from 'node:net';

export interface CuttingTunnel extends AsyncDisposable {
  readonly url: string;
  /** Of both directions, of all connections. */
  bytes(): number;
}

/** The last byte that goes through is the one before `cutAt`; nothing new is let in afterwards. */
export async function cuttingTunnel(target: string, cutAt: number): Promise<CuttingTunnel> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let bytes = 0;

  function cut(): void {
    for (const socket of sockets) socket.destroy();
  }

  function pass(from: Socket, to: Socket): void {
    from.on('data', (piece: Buffer) => {
      const some = piece.subarray(0, Math.max(0, cutAt - bytes));
      bytes += piece.length;
      to.write(some, () => {
        if (bytes >= cutAt) cut();
      });
    });
  }

  const server = createServer((near) => {
    const far = dial(Number(port), hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
      // Told by the close that follows.
      socket.on('error', () => socket.destroy());
    }
    if (bytes >= cutAt) return near.destroy();
    pass(near, far);
    pass(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: nearPort } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${nearPort}`,
    bytes: () => bytes,
    async [Symbol.asyncDispose]() {
      cut();
      if (server.listening) {
        server.close();
        await once(server, 'close');
      }
    },
  };
}
