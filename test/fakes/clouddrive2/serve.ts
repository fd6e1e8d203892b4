/** What happens before a call is answered: it is noted, delayed, refused or left alone, as the test wishes. */
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Metadata,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js';
import type { Caller } from './accounts.ts';
import type { Rpc } from './proto.ts';
import { Refusal } from './refusal.ts';
import type { World } from './world.ts';

export interface Serve {
  unary<Q, R>(rpc: Rpc, answer: (request: Q, caller: Caller) => R | Promise<R>): handleUnaryCall<Q, R>;
  /** The answer writes what it likes; the call stays open until it ends it. */
  stream<Q, R>(
    rpc: Rpc,
    answer: (call: ServerWritableStream<Q, R>, caller: Caller) => void | Promise<void>,
  ): handleServerStreamingCall<Q, R>;
  /** The next calls of this name end so. */
  failNext(rpc: Rpc, code: status, details: string, times: number): void;
  /** Calls of this name wait for an answer until they are let go. */
  hold(rpc: Rpc): Hold;
}

export interface Hold {
  /** Resolves as soon as that many wait. */
  waiting(count: number): Promise<void>;
  letGo(): void;
}

export function serve(world: World): Serve {
  const failures = new Map<Rpc, { readonly code: status; readonly details: string; left: number }>();
  const holds = new Map<Rpc, { readonly open: Promise<void>; waiting: number }>();

  /** Never resolves for a silent server. */
  async function gate(rpc: Rpc, request: unknown, metadata: Metadata): Promise<Caller> {
    world.calls.push({ rpc, request: withoutBytes(request) });
    world.events.emit('call', rpc);
    world.syncMounts();
    if (world.habits.has('silent')) await new Promise(() => {});
    const failure = failures.get(rpc);
    if (failure !== undefined && failure.left > 0) {
      failure.left -= 1;
      throw new Refusal(failure.code, failure.details);
    }
    if (world.habits.has('old server') && UNKNOWN_TO_OLD.has(rpc)) throw new Refusal(status.UNIMPLEMENTED, '');
    const caller = world.accounts.admit(rpc, metadata.get('authorization')[0]?.toString());
    if (world.habits.has('plan limit') && PLANNED.has(rpc)) {
      throw new Refusal(status.PERMISSION_DENIED, 'invalid user plan');
    }
    const hold = holds.get(rpc);
    if (hold !== undefined) {
      hold.waiting += 1;
      world.events.emit('held', rpc);
      await hold.open;
    }
    return caller;
  }

  return {
    unary: (rpc, answer) => (call, callback) => {
      gate(rpc, call.request, call.metadata)
        .then((caller) => answer(call.request, caller))
        .then(
          (reply) => callback(null, reply),
          (error: unknown) => callback(asStatus(error)),
        );
    },
    stream: (rpc, answer) => (call) => {
      gate(rpc, call.request, call.metadata)
        .then((caller) => answer(call, caller))
        .catch((error: unknown) => void call.emit('error', asStatus(error)));
    },
    failNext: (rpc, code, details, times) => void failures.set(rpc, { code, details, left: times }),
    hold: (rpc) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const hold = { open: promise, waiting: 0 };
      holds.set(rpc, hold);
      return {
        waiting: async (count) => {
          while (hold.waiting < count) await new Promise((again) => world.events.once('held', again));
        },
        letGo: () => {
          holds.delete(rpc);
          resolve();
        },
      };
    },
  };
}

const UNKNOWN_TO_OLD: ReadonlySet<Rpc> = new Set<Rpc>([
  'StartRemoteUpload',
  'RemoteUploadChannel',
  'RemoteReadData',
  'RemoteHashProgress',
  'RemoteUploadControl',
  'GetApiTokenInfo',
  'GetDownloadUrlPath',
  'GetDavServerConfig',
]);

const PLANNED: ReadonlySet<Rpc> = new Set<Rpc>(['AddMountPoint', 'Mount', 'CreateFolder']);

function asStatus(error: unknown): { readonly code: status; readonly details: string } {
  if (error instanceof Refusal) return { code: error.code, details: error.details };
  return { code: status.UNKNOWN, details: error instanceof Error ? error.message : 'unknown' };
}

/** What is noted of a call must not keep the file in memory. */
function withoutBytes(request: unknown): unknown {
  if (typeof request !== 'object' || request === null) return request;
  return Object.fromEntries(Object.entries(request).filter(([, value]) => !Buffer.isBuffer(value)));
}
