/** A push driver that runs in workerd, for a rig in Node: calls go there, and what it asks of its home comes back (see `test/workerd/push.ts`). */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import type { Connection, ProviderKind } from '#core/ports/connection.ts';
import type { PartBody, PushProvider } from '#core/ports/provider.ts';
import { startWorkerd } from './workerd.ts';

export interface WorkerdPush extends AsyncDisposable {
  readonly logs: () => readonly string[];
  /** As `connect` of the kind. */
  connect(kind: ProviderKind, connection: Connection<unknown, unknown>): PushProvider;
}

const Kind = z.enum(['transient', 'throttled', 'auth', 'gone', 'rejected', 'risk', 'bug']);
const Answer = z.union([
  z.object({
    fault: z.object({ kind: Kind, code: z.string(), message: z.string(), retryAfterMs: z.number().optional() }),
  }),
  z.object({ error: z.string() }),
  z.object({ aborted: z.literal(true) }),
  z.object({ value: z.unknown() }),
]);

/** As in wrangler.jsonc: the SDK's own choice for browsers reads XML by a DOM, which workerd does not have. */
const ALIAS = { '@aws-sdk/xml-builder': resolve('node_modules/@aws-sdk/xml-builder/dist-cjs/index.js') };

/** A look at a shared value, or another one in its place. */
const Shared = z.union([
  z.object({ name: z.string(), v: z.number(), value: z.unknown() }),
  z.object({ name: z.string() }),
]);

type Method = 'open' | 'put' | 'finish' | 'inspect' | 'discard' | 'check';

export async function workerdPush(): Promise<WorkerdPush> {
  const home = await startHome();
  const worker = await startWorkerd({ main: 'test/workerd/push.ts', alias: ALIAS });
  let ids = 0;

  const connect: WorkerdPush['connect'] = (kind, connection) => {
    const here = kind.connect(connection);
    if (here.mode !== 'push') throw new Error('not a push provider');
    const id = `${kind.id}-${++ids}`;
    home.connections.set(id, connection);
    const { destinationId, deviceId, settings, staging, clock } = connection;

    const call = async (
      method: Method,
      args: readonly unknown[],
      signal: AbortSignal,
      part?: PartBody,
    ): Promise<any> => {
      const callId = `call-${++ids}`;
      const isAborted = signal.aborted;
      if (part !== undefined) home.parts.set(callId, part);
      home.signals.set(callId, signal);
      const isShared = connection.shared !== undefined;
      const about = { id, kind: kind.id, home: home.url, destinationId, deviceId, settings, staging, isShared };
      const body = JSON.stringify({ ...about, nowMs: clock.now(), method, args, isAborted, callId });
      const reply = await fetch(worker.url, { method: 'POST', body });
      const text = await reply.text();
      if (!reply.ok) throw new Error(`the Worker answered ${reply.status}: ${text.slice(0, 2000)}`);
      const answer = Answer.parse(JSON.parse(text));
      if ('aborted' in answer) throw signal.reason;
      if ('error' in answer) throw new Error(answer.error);
      if ('fault' in answer) {
        const { kind, code, message, retryAfterMs } = answer.fault;
        throw new Fault(kind, code, message, retryAfterMs === undefined ? {} : { retryAfterMs });
      }
      return answer.value;
    };

    return {
      ...here,
      open: (item, { signal }) => call('open', [item], signal),
      put: (session, item, { open, ...part }, { signal }) =>
        call('put', [session, item, part], signal, { ...part, open }),
      finish: (session, item, receipts, { signal }) => call('finish', [session, item, receipts], signal),
      inspect: (session, item, parts, { signal }) => call('inspect', [session, item, parts], signal),
      discard: (session, item, { signal }) => call('discard', [session, item], signal),
      check: ({ signal }) => call('check', [], signal),
    };
  };
  return {
    logs: worker.logs,
    connect,
    [Symbol.asyncDispose]: async () => {
      await worker.stop();
      await home.close();
    },
  };
}

async function startHome() {
  const connections = new Map<string, Connection<unknown, unknown>>();
  const parts = new Map<string, PartBody>();
  const signals = new Map<string, AbortSignal>();
  const rotating = new Map<string, (value: unknown) => void>();

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [, what = '', id = ''] = (request.url ?? '').split('/');
    if (what === 'abort') return void whenAborted(signals.get(id), response);
    if (what === 'part') return pour(parts.get(id), response);
    const { value } = z.object({ value: z.unknown() }).parse(await json(request));
    const connection = connections.get(id);
    if (connection === undefined) throw new Error(`nobody is connected as ${id}`);
    response.end(JSON.stringify({ value: await told(what, id, connection, value, rotating) }));
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    ...{ connections, parts, signals },
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function told(
  what: string,
  id: string,
  { credentials, clock, shared }: Connection<unknown, unknown>,
  value: unknown,
  rotating: Map<string, (value: unknown) => void>,
): Promise<unknown> {
  switch (what) {
    case 'credentials':
      return credentials.read();
    case 'sleep':
      await clock.sleep(Number(value));
      return clock.now();
    case 'rotate': {
      const begun = Promise.withResolvers<unknown>();
      const replaced = Promise.withResolvers<unknown>();
      credentials
        .rotate((current) => {
          rotating.set(id, replaced.resolve);
          begun.resolve(current);
          return replaced.promise;
        })
        .catch(begun.reject);
      return begun.promise;
    }
    case 'rotated':
      rotating.get(id)?.(value);
      return value;
    case 'shared': {
      const { name, ...swap } = Shared.parse(value);
      const cell = shared?.(name);
      if (cell === undefined) throw new Error(`${id} shares nothing, and asks for ${name}`);
      return 'v' in swap ? cell.swap(swap.v, swap.value) : cell.read();
    }
    default:
      throw new Error(`nothing is known of ${what}`);
  }
}

function whenAborted(signal: AbortSignal | undefined, response: ServerResponse): void {
  signal?.addEventListener('abort', () => response.end(), { once: true });
}

/** Fails as the part's own stream does: by a connection that breaks. What nobody reads on is canceled. */
async function pour(part: PartBody | undefined, response: ServerResponse): Promise<void> {
  if (part === undefined) throw new Error('there is no such part');
  const source = Readable.fromWeb(await part.open());
  response.flushHeaders();
  await pipeline(source, response);
}
