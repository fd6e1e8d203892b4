/** What an adapter's runner supplies to the suite of agents, and the driver that the suite has run at them. */
import * as z from 'zod';
import type { AgentCall, Agents, RemoteConnection } from '#core/ports/agents.ts';
import type { Connection, CredentialHandle, ProviderKind } from '#core/ports/connection.ts';
import type { Item, PartBody, PushProvider } from '#core/ports/provider.ts';
import { AgentFacts, AgentId } from '#core/wire/agent.ts';
import { TransferId } from '#core/wire/ids.ts';
import { bytesOf } from './push-rig.ts';

/** A home to which nobody is attached at first. */
export interface AgentsRig {
  readonly agents: Agents;
  /** An agent with these kinds, in this process or another thread of it; resolves when it is attached. */
  start(facts: AgentFacts, kinds: readonly ProviderKind[]): Promise<RunningAgent>;
  /** IP that all of them come from. */
  readonly address: string;
  /** Bytes of a part that may be on their way before the driver there reads them. */
  readonly aheadBytesMax: number;
  /** Whose bytes lie where this rig's agents take them from; absent: `meteredPart`. */
  readonly part?: typeof meteredPart;
}

export interface RunningAgent {
  /** Breaks its connection, without a word; resolves when it is no longer attached. */
  stop(): Promise<void>;
  /** It will not come back by itself: it was stopped, or told from here to end. */
  readonly ended: Promise<void>;
}

type Scripted = Partial<Omit<PushProvider, 'mode' | 'id' | 'plan' | 'needs' | 'instant'>>;

/** A kind of destination whose driver does what a law tells it to, and nothing else. */
export function scripted(script: (connection: Connection<unknown, unknown>) => Scripted): ProviderKind {
  const unasked = async (): Promise<never> => {
    throw new Error('no law has asked for this');
  };
  return {
    id: 'scripted',
    settings: z.looseObject({}),
    credentials: z.unknown(),
    refusal: () => null,
    siteSettings: [],
    account: () => null,
    connect: (connection) => ({
      id: 'scripted',
      mode: 'push',
      needs: [],
      instant: 'never',
      plan: () => ({ partBytes: 1, inFlightMax: 1, order: 'any' }),
      open: unasked,
      put: unasked,
      inspect: unasked,
      finish: unasked,
      discard: unasked,
      check: unasked,
      ...script(connection),
    }),
  };
}

export const ID = AgentId.parse('sz-1');

export function factsOf(id: string, facts: Partial<AgentFacts> = {}): AgentFacts {
  return AgentFacts.parse({
    id,
    name: `agent ${id}`,
    version: '1.0.0',
    providers: ['scripted'],
    filesMax: 2,
    bandwidthMbps: 100,
    tags: { region: '华南' },
    ...facts,
  });
}

export function connectionTo(change: Partial<RemoteConnection> = {}): RemoteConnection {
  return {
    provider: 'scripted',
    destinationId: 'pan',
    deviceId: '00112233445566778899aabbccddeeff',
    settings: { line: 'txa' },
    staging: { service: 'memory', endpoint: 'http://127.0.0.1:9000', bucket: 'staging' },
    credentials: secretOf({ token: 'open sesame' }),
    shared: () => ({ read: async () => null, swap: async () => true }),
    ...change,
  };
}

/** Held here, as a vault holds it; `stored` is what is current. */
export function secretOf(first: unknown): CredentialHandle<unknown> & { stored(): unknown } {
  let current = first;
  return {
    stored: () => current,
    read: async () => current,
    rotate: async (replace) => {
      current = await replace(current);
      return current;
    },
  };
}

export const ITEM: Item = {
  transferId: TransferId.parse('trf_01000000000000000000000001'),
  name: '测试 影片.mp4',
  folder: '/影视/2025',
  sizeBytes: 1_000_000,
  contentType: 'video/mp4',
  digests: { sha1: '0123456789012345678901234567890123456789' },
  answers: { first: 'ab' },
};

/** `check`, which carries nothing. */
export function checkCall(change: Partial<RemoteConnection> = {}): AgentCall {
  return { connection: connectionTo(change), method: 'check', args: [] };
}

export function putCall(part: PartBody): AgentCall {
  return { connection: connectionTo(), method: 'put', args: [{ id: 's' }, ITEM], part };
}

export interface MeteredPart {
  readonly part: PartBody;
  /** One for each time that it was opened. */
  readonly streams: { sentBytes: number }[];
  readonly canceled: Promise<void>;
}

/** A part of so many bytes, in pieces of 64 KiB, which counts what is taken from it. */
export function meteredPart(
  sizeBytes: number,
  fails: { readonly at: number; readonly error: Error } | null = null,
): MeteredPart {
  const canceled = Promise.withResolvers<void>();
  const streams: { sentBytes: number }[] = [];
  const pieceBytes = 64 * 1024;
  const open = async () => {
    const stream = { sentBytes: 0 };
    streams.push(stream);
    return new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          if (fails !== null && stream.sentBytes >= fails.at) return controller.error(fails.error);
          if (stream.sentBytes === sizeBytes) return controller.close();
          const start = stream.sentBytes;
          stream.sentBytes = Math.min(start + pieceBytes, sizeBytes);
          controller.enqueue(contentOf(start, stream.sentBytes));
        },
        cancel: () => canceled.resolve(),
      },
      { highWaterMark: 0 },
    );
  };
  const range = { start: 500, end: 500 + sizeBytes };
  const spans = [{ key: 'staging/upl/00001', version: 'v1', range }];
  return { part: { number: 3, range, sizeBytes, spans, open }, streams, canceled: canceled.promise };
}

/** Bytes [start, end) of every metered part. They repeat only after a prime number of bytes, so no two pieces are alike. */
export function contentOf(start: number, end: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(end - start);
  for (let at = 0; at < bytes.byteLength; ) {
    const from = (start + at) % PERIOD.byteLength;
    const next = PERIOD.subarray(from, from + bytes.byteLength - at);
    bytes.set(next, at);
    at += next.byteLength;
  }
  return bytes;
}

const PERIOD = bytesOf(65_521, 7);

export async function readAll(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
