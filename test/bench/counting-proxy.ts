/** Stands between a client and a store, and counts what is asked of objects whose name holds a word. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';

export interface CountingProxy extends AsyncDisposable {
  readonly url: string;
  /** Requests whose path holds the word, by method. Those about a bucket as a whole are not about a file. */
  counted(word: string): Readonly<Record<string, number>>;
}

/** Passes everything on as it is, the Host header too, so that signatures hold. */
export async function countingProxy(target: string): Promise<CountingProxy> {
  const seen: { readonly method: string; readonly url: string }[] = [];
  const server = createServer((incoming, outgoing) => {
    seen.push({ method: incoming.method ?? '', url: incoming.url ?? '' });
    passOn(target, incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    counted(word) {
      const counts: Record<string, number> = {};
      for (const { method, url } of seen) if (url.includes(word)) counts[method] = (counts[method] ?? 0) + 1;
      return counts;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function passOn(target: string, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { method, headers, url } = incoming;
  const onward = request(target + (url ?? ''), { method, headers, setHost: false });
  const answered = once(onward, 'response');
  await Promise.all([
    pipeline(incoming, onward),
    answered.then(async ([answer]: IncomingMessage[]) => {
      if (answer === undefined) return;
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      await pipeline(answer, outgoing);
    }),
  ]);
}
