/** A proxy before the real server whose hops can be broken one by one. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';

export interface BrokenHops extends AsyncDisposable {
  readonly url: string;
  /**
   * `forgotten`: a proxy that knows nothing of upgrades. `away`: one whose relay is gone. `deaf`: a relay that nothing is posted to.
   * `foreign`: the proxy passes its own Host on.
   */
  sockets: 'passed' | 'forgotten' | 'away' | 'deaf' | 'foreign';
  /** What the API answers at `METHOD path`, changed on the way. */
  answer: (call: string, body: any) => unknown;
}

const PASSED_HEADERS = ['authorization', 'content-type', 'idempotency-key'];

export async function brokenHops(target: string): Promise<BrokenHops> {
  const { host, port } = new URL(target);
  const deaf = new WebSocketServer({ noServer: true, handleProtocols: () => 'entrepot.v1' });
  const tunnels = new Set<Duplex>();
  const server = createServer((request, response) => {
    forward(request, response).catch(() => response.destroy());
  });
  server.on('upgrade', (request, socket, head) => {
    tunnels.add(socket);
    socket.on('error', () => undefined);
    if (hops.sockets === 'deaf') deaf.handleUpgrade(request, socket, head, (client) => greet(client));
    else if (hops.sockets === 'forgotten') socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
    else if (hops.sockets === 'away') socket.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n');
    else tunnel(request, socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const hops: BrokenHops = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets: 'passed',
    answer: (_, body) => body,
    [Symbol.asyncDispose]: async () => {
      for (const socket of tunnels) socket.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    const passed = Object.entries(request.headers).filter(([name]) => PASSED_HEADERS.includes(name));
    const { method = 'GET', url = '/' } = request;
    const answer = await fetch(target + url, {
      method,
      headers: Object.fromEntries(passed) as Record<string, string>,
      ...(pieces.length === 0 ? {} : { body: Buffer.concat(pieces) }),
    });
    const body = hops.answer(`${method} ${url}`, await answer.json());
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  function tunnel(request: IncomingMessage, socket: Duplex): void {
    const far = connect(Number(port), '127.0.0.1');
    tunnels.add(far);
    const headers = hops.sockets === 'foreign' ? { ...request.headers, host } : request.headers;
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    far.write(`GET ${request.url} HTTP/1.1\r\n${lines.join('')}\r\n`);
    far.on('error', () => socket.destroy());
    far.pipe(socket).pipe(far);
  }

  return hops;
}

function greet(client: { send(text: string): void }): void {
  const at = '2026-11-22T00:00:00.000Z';
  client.send(JSON.stringify({ event: 'connection:established', data: { epoch: 'e', at } }));
  client.send(JSON.stringify({ event: 'snapshot', data: { epoch: 'e', seq: 0, transfers: [] } }));
}
