/** Stands between a client and a store, and remembers what was asked and how it ended. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface Passed {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly range: string | undefined;
  /** Null when the store was not there, or broke off before its answer was whole. */
  readonly status: number | null;
}

export interface RecordingProxy extends AsyncDisposable {
  readonly url: string;
  /** In the order in which they ended. */
  passed(): readonly Passed[];
  /** Resolves once the requests that have ended are as wanted. */
  until(wanted: (passed: readonly Passed[]) => boolean): Promise<void>;
  /** Does this before the next request of this kind is passed on. */
  beforeNext(isIt: (request: IncomingMessage) => boolean, act: () => Promise<void>): void;
}

/** Passes everything on as it is, the Host header too, so that signatures hold. */
export async function recordingProxy(target: string): Promise<RecordingProxy> {
  const ended: Passed[] = [];
  const waiting = new Set<() => void>();
  let trap: { isIt(request: IncomingMessage): boolean; act(): Promise<void> } | null = null;

  const server = createServer(async (incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming;
    let status: number | null = null;
    try {
      if (trap?.isIt(incoming)) {
        const { act } = trap;
        trap = null;
        await act();
      }
      status = await passOn(target, incoming, outgoing);
    } catch {
      // A store that is gone looks to the client like a connection that is.
      outgoing.destroy();
    }
    ended.push({ method, url, range: headers.range, status });
    for (const look of waiting) look();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    passed: () => ended,
    until: (wanted) =>
      new Promise((resolve) => {
        const look = () => {
          if (!wanted(ended)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    beforeNext(isIt, act) {
      trap = { isIt, act };
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Of a request, or of one that has been read and is told once more. */
type Incoming = Readable & Pick<IncomingMessage, 'method' | 'url' | 'headers'>;

/** Sends the request on as it is and gives its answer back; answers the status. */
export async function passOn(target: string, incoming: Incoming, outgoing: ServerResponse): Promise<number> {
  const { method, headers, url } = incoming;
  const onward = request(target + (url ?? ''), { method, headers, setHost: false });
  const answered = once(onward, 'response');
  const [, status] = await Promise.all([
    pipeline(incoming, onward),
    answered.then(async ([answer]: IncomingMessage[]) => {
      if (answer === undefined) throw new Error('no answer');
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      await pipeline(answer, outgoing);
      return answer.statusCode ?? 500;
    }),
  ]);
  return status;
}
