/** One call under way at an agent, as the home has it: its part, and the secrets that the driver there may ask for. */
import * as z from 'zod';
import { callOver, faultOf, faultText, lost } from '#clients/agents/fault-text.ts';
import { ASKED_BYTES_MAX, CALLS_MAX, JSON_BYTES_MAX } from '#clients/agents/interface.ts';
import { readJson, writeJson } from '#clients/agents/json.ts';
import { Fault } from '#core/fault.ts';
import type { AgentCall } from '#core/ports/agents.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { CallContext } from '#core/ports/provider.ts';
import type { Ask__Output } from '#proto/generated/agent/Ask.ts';
import type { Replacement__Output } from '#proto/generated/agent/Replacement.ts';
import type { Result__Output } from '#proto/generated/agent/Result.ts';
import type { ToAgent } from '#proto/generated/agent/ToAgent.ts';
import type { Way, Ways } from './ways.ts';

export interface Errand {
  readonly answer: Promise<unknown>;
  /** Aborts when nobody waits for the answer any more, with what a reading of the part then ends with. */
  readonly over: AbortSignal;
  /** The part's bytes. Throws Fault `agent.call_over`, `agent.no_part` and `rejected` `agent.no_line_bytes`. */
  open(): Promise<ReadableStream<Uint8Array>>;
  settle(result: Result__Output): void;
  ask(ask: Ask__Output): void;
  replaced(replacement: Replacement__Output): void;
  /** So many of the part's bytes came from the bucket. */
  pulled(sizeBytes: number): void;
  /** The agent is gone: it is answered by nobody. */
  lose(): void;
}

export interface ErrandParts {
  readonly id: string;
  readonly call: AgentCall;
  readonly way: Way;
  readonly locate: Ways['locate'];
  readonly ctx: CallContext;
  readonly clock: Clock;
  readonly say: (message: ToAgent) => void;
  /** It has been answered, and nothing that it asked for is open. */
  readonly onEnd: () => void;
}

/** Of one call, at once and in all. A driver asks in the name of the oldest of its calls, and again and again while it waits its turn. */
const ASKS_OPEN_MAX = CALLS_MAX;
const ASKS_MAX = 100_000;
const READINGS_MAX = 100;
/** To make new credentials of old ones; others that want to wait meanwhile. */
const REPLACE_MS = 60_000;

const SharedName = z.string().min(1).max(64);

/** Of a signal that has not aborted yet. */
export function startErrand({ id, call, way, locate, ctx, clock, say, onEnd }: ErrandParts): Errand {
  const { connection, part } = call;
  const answered = Promise.withResolvers<unknown>();
  const over = new AbortController();
  const replacing = new Map<number, PromiseWithResolvers<unknown>>();
  const asked = { open: 0, total: 0, readings: 0 };
  let isSettled = false;

  function close(): void {
    ctx.signal.removeEventListener('abort', onAbort);
    over.abort(callOver());
  }

  /** The errand stays until the agent has answered: a login that is being renewed there must get home. */
  function onAbort(): void {
    answered.reject(ctx.signal.reason);
    close();
    say({ cancel: { call_id: id } });
  }

  function endIfDone(): void {
    if (isSettled && asked.open === 0) onEnd();
  }

  async function replace(askId: number, current: unknown): Promise<unknown> {
    const replacement = Promise.withResolvers<unknown>();
    replacing.set(askId, replacement);
    const patience = new AbortController();
    clock.sleep(REPLACE_MS, patience.signal).then(
      () => replacement.reject(new Fault('transient', 'agent.slow', 'the agent took too long to renew the login')),
      () => undefined,
    );
    try {
      say({ replace: { ask_id: askId, current: writeJson(current, ASKED_BYTES_MAX) } });
      return await replacement.promise;
    } finally {
      patience.abort();
      replacing.delete(askId);
    }
  }

  async function answerTo({ ask_id, what, read_shared, swap_shared, locate: where }: Ask__Output): Promise<unknown> {
    if (isSettled) throw callOver();
    if (asked.open > ASKS_OPEN_MAX || asked.total > ASKS_MAX) {
      throw new Fault('throttled', 'agent.too_many_asks', 'the driver asks for more than a call may');
    }
    if (what === 'read_credentials') return connection.credentials.read();
    if (what === 'rotate_credentials') return connection.credentials.rotate((current) => replace(ask_id, current));
    if (where && part !== undefined && way !== 'LINE') {
      over.signal.throwIfAborted();
      return locate(part, where.from);
    }
    const name = SharedName.safeParse((read_shared ?? swap_shared)?.name).data;
    if (name === undefined) throw new Fault('bug', 'agent.bad_message', 'the agent asked for what is not known here');
    const shared = connection.shared(name);
    return swap_shared ? shared.swap(swap_shared.v, readJson(swap_shared.value)) : shared.read();
  }

  ctx.signal.addEventListener('abort', onAbort, { once: true });

  return {
    answer: answered.promise,
    over: over.signal,
    open: async () => {
      over.signal.throwIfAborted();
      asked.readings += 1;
      if (way === 'BUCKET_ONLY') throw noLineBytes();
      if (part !== undefined && asked.readings <= READINGS_MAX) return part.open();
      throw new Fault('bug', 'agent.no_part', 'the call has no part, or it was read too often');
    },
    settle: ({ value, fault }) => {
      isSettled = true;
      if (value === undefined) answered.reject(faultOf(fault ?? ''));
      else if (value.length <= JSON_BYTES_MAX) answered.resolve(readJson(value));
      else answered.reject(new Fault('bug', 'agent.too_large', 'the agent answered more than a call may'));
      close();
      endIfDone();
    },
    ask: (ask) => {
      const { ask_id } = ask;
      asked.open += 1;
      asked.total += 1;
      answerTo(ask)
        .then((value) => say({ answer: { ask_id, value: writeJson(value, ASKED_BYTES_MAX) } }))
        .catch((error: unknown) => say({ answer: { ask_id, fault: faultText(error) } }))
        .finally(() => {
          asked.open -= 1;
          endIfDone();
        });
    },
    replaced: ({ ask_id, value, fault }) => {
      const replacement = replacing.get(ask_id);
      const next = value === undefined ? undefined : readJson(value);
      if (next === undefined) replacement?.reject(faultOf(fault ?? ''));
      else replacement?.resolve(next);
    },
    pulled: (sizeBytes) => {
      if (part !== undefined && !over.signal.aborted) part.flowed?.(Math.min(Math.max(0, sizeBytes), part.sizeBytes));
    },
    lose: () => {
      isSettled = true;
      answered.reject(lost());
      for (const replacement of replacing.values()) replacement.reject(lost());
      close();
    },
  };
}

function noLineBytes(): Fault {
  const text = 'this home has bytes for agents in its bucket alone: update the agent, or let it reach the bucket';
  return new Fault('rejected', 'agent.no_line_bytes', text);
}
