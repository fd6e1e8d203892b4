/** Stands between the SDK and a DynamoDB, counts what is asked, and loses what it is told to lose. */
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface Call {
  /** `UpdateItem` */
  readonly operation: string;
  /** Of the SDK, from 1. */
  readonly attempt: number;
}

/** `lost`: done, but its reply does not come. `dropped`: never sent on. `late`: as lost, and done only when `arrive` says so. */
export type Fate = 'answered' | 'lost' | 'dropped' | 'late';

export interface Proxy {
  readonly endpoint: string;
  /** Everything asked so far, in order. */
  readonly calls: readonly Call[];
  fate(call: Call): Fate;
  /** What happens before it is sent on. */
  before(call: Call): Promise<void>;
  /** What was late arrives now. */
  arrive(): Promise<void>;
  stop(): Promise<void>;
}

const WRITES = ['PutItem', 'UpdateItem', 'DeleteItem'];

export const isWrite = ({ operation }: Call): boolean => WRITES.includes(operation);

export async function startProxy(target: string, fate: Proxy['fate'] = () => 'answered'): Promise<Proxy> {
  const calls: Call[] = [];
  const late: (() => Promise<unknown>)[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const body = await buffer(incoming);
    const call = callOf(incoming.headers);
    calls.push(call);
    await proxy.before(call);
    const forwarded = () => forward(target, incoming.headers, body);
    const becomes = proxy.fate(call);
    if (becomes === 'late') late.push(forwarded);
    // A wire that breaks behind us is broken in front of us too.
    const reply = becomes === 'lost' || becomes === 'answered' ? await forwarded().catch(() => null) : null;
    if (becomes === 'answered' && reply !== null) answer(outgoing, reply);
    else incoming.socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const proxy: Proxy = {
    endpoint: `http://127.0.0.1:${address.port}`,
    calls,
    fate,
    before: async () => undefined,
    arrive: async () => {
      for (const forwarded of late.splice(0)) await forwarded();
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

async function forward(target: string, headers: IncomingHttpHeaders, body: Buffer): Promise<Reply> {
  const outgoing = httpRequest(target, { method: 'POST', headers });
  outgoing.end(body);
  const [incoming] = await once(outgoing, 'response');
  return { status: incoming.statusCode, headers: incoming.headers, body: await buffer(incoming) };
}

function answer(outgoing: ServerResponse, { status, headers, body }: Reply): void {
  outgoing.writeHead(status, headers).end(body);
}

function callOf(headers: IncomingHttpHeaders): Call {
  const operation = String(headers['x-amz-target']).split('.').at(-1) ?? '';
  return { operation, attempt: Number(/attempt=(\d+)/.exec(String(headers['amz-sdk-request']))?.[1]) };
}
