/** Calls that others have run at agents of this relay: begun once for each id, and kept until their end has been heard. */
import { callOver, faultText } from '#clients/agents/fault-text.ts';
import { type CallAnswer, type CallAsk, UNASKED_MS, WAIT_MS } from '#clients/posts/calls.ts';
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';

/** `flowed` is told of bytes that the agent read by itself. */
export type RunCall = (ask: CallAsk, signal: AbortSignal, flowed: (sizeBytes: number) => void) => Promise<unknown>;

export interface CallDesk {
  /** Answers the call's end, or `running` after 20 s. A call of this id that is known already is waited for, and not begun. */
  begin(ask: CallAsk): Promise<CallAnswer>;
  result(callId: string): Promise<CallAnswer>;
  /** Nobody wants to know its end. */
  cancel(callId: string): void;
  /** Gives up what nobody has asked about for 25 s, and forgets what ended a minute ago. */
  sweep(): void;
}

interface Kept {
  readonly stop: AbortController;
  readonly ended: Promise<CallAnswer>;
  /** Null: it has not ended. */
  end: { readonly atMs: number; readonly sizeBytes: number } | null;
  asking: number;
  lastAskedMs: number;
  flowedBytes: number;
}

const RUNNING_MAX = 1_024;
/** Of what they were given, as JSON: of one it is 3.5 MiB at most. */
const RUNNING_BYTES_MAX = 64 * 1024 * 1024;
/** An answer that was lost is asked for again within seconds. */
const END_KEPT_MS = 60_000;
/** Of all ends that are kept, as JSON. */
const ENDS_BYTES_MAX = 32 * 1024 * 1024;
/** A signed post is good for five minutes, early or late: so long the call in it must not be begun again. */
const ID_KEPT_MS = 11 * 60_000;
const IDS_MAX = 50_000;

export function callDesk({ clock, run }: { readonly clock: Clock; readonly run: RunCall }): CallDesk {
  const calls = new Map<string, Kept>();
  /** Those that are forgotten but for their ids, with the time until which; the oldest first. */
  const over = new Map<string, number>();
  const running = { calls: 0, bytes: 0 };
  let endsBytes = 0;

  function start(ask: CallAsk, givenBytes: number): Kept {
    const stop = new AbortController();
    const kept: Kept = {
      stop,
      ended: Promise.resolve()
        .then(() => run(ask, stop.signal, (sizeBytes) => (kept.flowedBytes += sizeBytes)))
        .then(
          (value): CallAnswer => ({ state: 'done', value: value ?? null, flowedBytes: kept.flowedBytes }),
          (error: unknown): CallAnswer => ({ state: 'failed', fault: faultText(error) }),
        ),
      end: null,
      asking: 0,
      lastAskedMs: clock.now(),
      flowedBytes: 0,
    };
    running.calls += 1;
    running.bytes += givenBytes;
    calls.set(ask.callId, kept);
    void kept.ended.then((answer) => {
      const sizeBytes = JSON.stringify(answer).length;
      running.calls -= 1;
      running.bytes -= givenBytes;
      endsBytes += sizeBytes;
      kept.end = { atMs: clock.now(), sizeBytes };
      makeRoom();
    });
    return kept;
  }

  function forget(callId: string, { end }: Kept): void {
    calls.delete(callId);
    endsBytes -= end?.sizeBytes ?? 0;
    over.set(callId, clock.now() + ID_KEPT_MS);
  }

  function makeRoom(): void {
    for (const [callId, kept] of calls) {
      if (endsBytes <= ENDS_BYTES_MAX) return;
      if (kept.end !== null && kept.asking === 0) forget(callId, kept);
    }
  }

  async function wait(kept: Kept): Promise<CallAnswer> {
    kept.asking += 1;
    const enough = new AbortController();
    const late = clock.sleep(WAIT_MS, enough.signal).catch(() => undefined);
    try {
      return (await Promise.race([kept.ended, late])) ?? { state: 'running', flowedBytes: kept.flowedBytes };
    } finally {
      enough.abort();
      kept.asking -= 1;
      kept.lastAskedMs = clock.now();
    }
  }

  return {
    begin: async (ask) => {
      const known = calls.get(ask.callId);
      if (known !== undefined) return wait(known);
      if (over.has(ask.callId)) return { state: 'unknown' };
      const givenBytes = JSON.stringify([ask.args, ask.part]).length;
      const hasRoom = running.calls < RUNNING_MAX && running.bytes + givenBytes <= RUNNING_BYTES_MAX;
      if (hasRoom && over.size < IDS_MAX) return wait(start(ask, givenBytes));
      const message = 'the relay has enough to do';
      const busy = new Fault('throttled', 'agent.busy', message, { retryAfterMs: 1_000, isQueued: true });
      return { state: 'failed', fault: faultText(busy) };
    },

    result: async (callId) => {
      const known = calls.get(callId);
      return known === undefined ? { state: 'unknown' } : wait(known);
    },

    cancel: (callId) => {
      const known = calls.get(callId);
      // One that comes after its cancel must not begin.
      if (known !== undefined) known.stop.abort(callOver());
      else if (over.size < IDS_MAX) over.set(callId, clock.now() + ID_KEPT_MS);
    },

    sweep: () => {
      const now = clock.now();
      for (const [callId, kept] of calls) {
        const { end, asking, lastAskedMs, stop } = kept;
        if (end === null && asking === 0 && now - lastAskedMs > UNASKED_MS) stop.abort(callOver());
        if (end !== null && asking === 0 && now - end.atMs > END_KEPT_MS) forget(callId, kept);
      }
      for (const [callId, untilMs] of over) if (untilMs <= now) over.delete(callId);
    },
  };
}
