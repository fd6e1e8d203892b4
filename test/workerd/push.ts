/** The push drivers in a Worker: each call is posted, and what the driver asks of its home is fetched from the test (see `test/support/workerd-push.ts`). */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import type { Connection } from '#core/ports/connection.ts';
import type { CallContext, Item, PartBody, PartReceipt, PushProvider, Session } from '#core/ports/provider.ts';
import { bilibiliKind } from '#providers/bilibili/provider.ts';
import { ossKind } from '#providers/oss/provider.ts';
import { pan115Kind } from '#providers/pan115/provider.ts';
import { s3Kind } from '#providers/s3/provider.ts';

const KINDS = [s3Kind, ossKind, pan115Kind, bilibiliKind];

const Call = z.object({
  /** One for the time of a provider, which a Worker keeps from one request to the next. */
  id: z.string(),
  kind: z.string(),
  /** Where the test answers. */
  home: z.string(),
  destinationId: z.string(),
  deviceId: z.string(),
  settings: z.unknown(),
  staging: z.unknown(),
  /** Whether other processes share what this one keeps of an account. */
  isShared: z.boolean(),
  nowMs: z.number(),
  method: z.enum(['open', 'put', 'finish', 'inspect', 'discard', 'check']),
  args: z.array(z.unknown()),
  /** Whether the signal has aborted already. */
  isAborted: z.boolean(),
  callId: z.string(),
});
type Call = z.infer<typeof Call>;

interface Kept {
  readonly provider: PushProvider;
  nowMs: number;
}

const kept = new Map<string, Kept>();

export default {
  async fetch(request: Request): Promise<Response> {
    const call = Call.parse(await request.json());
    const reason = new Error('aborted by the test');
    const abort = new AbortController();
    const over = new AbortController();
    if (call.isAborted) abort.abort(reason);
    else
      fetch(`${call.home}/abort/${call.callId}`, { signal: over.signal })
        .then(() => abort.abort(reason))
        .catch(() => {});
    try {
      const value = await called(call, { signal: abort.signal });
      return Response.json({ value: value ?? null });
    } catch (error) {
      if (error === reason) return Response.json({ aborted: true });
      if (!(error instanceof Fault)) return Response.json({ error: `${error instanceof Error ? error.stack : error}` });
      const { kind, code, message, retryAfterMs } = error;
      return Response.json({ fault: { kind, code, message, retryAfterMs } });
    } finally {
      over.abort();
    }
  },
};

/** What was posted was typed on the other side. */
function called(call: Call, ctx: CallContext): Promise<unknown> {
  const provider = providerOf(call);
  const [session, item, third] = call.args as [Session, Item, never];
  switch (call.method) {
    case 'open':
      return provider.open(call.args[0] as Item, ctx);
    case 'put':
      return provider.put(session, item, partOf(call, third), ctx);
    case 'finish':
      return provider.finish(session, item, third as readonly PartReceipt[], ctx);
    case 'inspect':
      return provider.inspect(session, item, third, ctx);
    case 'discard':
      return provider.discard(session, item, ctx);
    case 'check':
      return provider.check(ctx);
    default:
      return call.method satisfies never;
  }
}

function partOf({ home, callId }: Call, part: Omit<PartBody, 'open'>): PartBody {
  return {
    ...part,
    open: async () => {
      const { body } = await fetch(`${home}/part/${callId}`);
      if (body === null) throw new Error('the test gave no body');
      return inLargePieces(body);
    },
  };
}

const PIECE_BYTES = 65_536;

/** Otherwise workerd gives 4 KiB at a time. */
function inLargePieces(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader({ mode: 'byob' });
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read(new Uint8Array(PIECE_BYTES));
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

function providerOf(call: Call): PushProvider {
  const before = kept.get(call.id);
  if (before !== undefined) {
    before.nowMs = Math.max(before.nowMs, call.nowMs);
    return before.provider;
  }
  const kind = KINDS.find(({ id }) => id === call.kind);
  const provider = kind?.connect(connectionOf(call));
  if (provider?.mode !== 'push') throw new Error(`no push provider ${call.kind}`);
  kept.set(call.id, { provider, nowMs: call.nowMs });
  return provider;
}

function connectionOf({
  id,
  home,
  destinationId,
  deviceId,
  settings,
  staging,
  isShared,
}: Call): Connection<unknown, unknown> {
  const ask = async (path: string, value: unknown = null): Promise<any> => {
    const answer = await fetch(`${home}/${path}/${id}`, { method: 'POST', body: JSON.stringify({ value }) });
    const { value: told } = (await answer.json()) as { value: unknown };
    return told;
  };
  const shared = (name: string) => ({
    read: () => ask('shared', { name }),
    swap: (v: number, value: unknown) => ask('shared', { name, v, value }),
  });
  const now = () => kept.get(id)?.nowMs ?? 0;
  return {
    ...{ destinationId, deviceId, settings, staging: staging as Connection<unknown, unknown>['staging'] },
    credentials: {
      read: () => ask('credentials'),
      rotate: async (replace) => {
        const before = await ask('rotate');
        let after = before;
        try {
          after = await replace(before);
        } finally {
          // Whoever waits for their turn is let on in any case.
          await ask('rotated', after);
        }
        return after;
      },
    },
    ...(isShared ? { shared } : {}),
    clock: {
      now,
      random: Math.random,
      sleep: async (ms, signal) => {
        signal?.throwIfAborted();
        const nowMs = await ask('sleep', ms);
        const one = kept.get(id);
        if (one !== undefined) one.nowMs = nowMs;
      },
    },
  };
}
