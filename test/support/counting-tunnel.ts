/** Stands between a client and a store on TCP, and counts the bytes that the store sends. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, connect as dial, type Socket } from 'node:net';

export interface CountingTunnel extends AsyncDisposable {
  readonly url: string;
  /** Bytes from the store so far, HTTP heads included. */
  sentBytes(): number;
}

/** Signatures hold: the store sees the Host header that the client signed. */
export async function countingTunnel(target: string): Promise<CountingTunnel> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let sentBytes = 0;
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
    far.on('data', (piece: Buffer) => {
      sentBytes += piece.length;
    });
    far.pipe(near);
    near.pipe(far);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: nearPort } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${nearPort}`,
    sentBytes: () => sentBytes,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
