/** Agents whose lines relays hold: each call is posted to the one that has its agent, and waited for. */
import { randomUUID } from 'node:crypto';
import { faultOf, lost } from '#clients/agents/fault-text.ts';
import {
  type AgentAsk,
  CALL_BYTES_MAX,
  CALLS_PATH,
  CallAnswer,
  type CallAsk,
  POST_TIMEOUT_MS,
} from '#clients/posts/calls.ts';
import { signedPost } from '#clients/posts/signed-post.ts';
import { Fault } from '#core/fault.ts';
import type { AgentCall, AgentLines, Agents, HeldAgent } from '#core/ports/agents.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { CallContext } from '#core/ports/provider.ts';
import type { AgentId } from '#core/wire/agent.ts';

export interface SwitchboardParts {
  /** Where any relay is reached, `https://home.example`. */
  readonly relayUrl: string;
  readonly secret: string;
  readonly clock: Clock;
  readonly lines: AgentLines;
}

/** So long a relay may say nothing before its calls are given up; asked again in between. */
const SILENT_MAX_MS = 30_000;
const AGAIN_MS = 250;
const TELL_TIMEOUT_MS = 3_000;

/**
 * The relay asks for secrets and signs for bytes itself: `connection` tells it the destination's id alone, and `part.open` is not
 * called. A call whose answer was lost is asked about by its id, and never begun twice.
 */
export function switchboardAgents({ relayUrl, secret, clock, lines }: SwitchboardParts): Agents {
  /** Null: whether it arrived is not known. */
  async function ask(what: AgentAsk | string, timeoutMs: number): Promise<CallAnswer | null> {
    const text = typeof what === 'string' ? what : JSON.stringify(what);
    try {
      const response = await signedPost({ url: `${relayUrl}${CALLS_PATH}`, secret, clock, timeoutMs }, text);
      if (response.ok) return CallAnswer.parse(await response.json());
      await response.body?.cancel();
    } catch {
      // What went wrong between here and there is told by what the next ask finds.
    }
    return null;
  }

  async function isStillHeld({ agent, holder }: HeldAgent): Promise<boolean> {
    const now = await lines.of(agent.facts.id).catch(() => undefined);
    return now === undefined || now?.holder.epoch === holder.epoch;
  }

  /** One that does not hear of it sees that nobody asks any more. */
  function giveUp({ holder, agent, isForwarded, callId }: CallAsk): void {
    void ask({ ask: 'agent.cancel', holder, agent, isForwarded, callId }, TELL_TIMEOUT_MS);
  }

  async function run(held: HeldAgent, first: CallAsk, { part }: AgentCall, signal: AbortSignal): Promise<unknown> {
    const { ask: _, holder, agent, isForwarded, callId } = first;
    const later = JSON.stringify({ ask: 'agent.result', holder, agent, isForwarded, callId } satisfies AgentAsk);
    let text = textOf(first);
    let mayHaveBegun = false;
    let silentSinceMs: number | null = null;
    let flowedBytes = 0;
    const tell = (answer: { readonly flowedBytes: number }): void => {
      if (answer.flowedBytes > flowedBytes) part?.flowed?.(answer.flowedBytes - flowedBytes);
      flowedBytes = Math.max(flowedBytes, answer.flowedBytes);
    };
    for (;;) {
      const askedMs = clock.now();
      const answer = await ask(text, POST_TIMEOUT_MS);
      signal.throwIfAborted();
      switch (answer?.state) {
        case 'done':
          tell(answer);
          return answer.value;
        case 'failed':
          throw faultOf(answer.fault);
        case 'running':
          tell(answer);
          [text, mayHaveBegun, silentSinceMs] = [later, true, null];
          break;
        case 'gone':
          throw mayHaveBegun ? lost() : away(agent);
        case undefined:
          mayHaveBegun = true;
          silentSinceMs ??= askedMs;
          if (clock.now() - silentSinceMs > SILENT_MAX_MS || !(await isStillHeld(held))) {
            giveUp(first);
            throw lost();
          }
          await clock.sleep(AGAIN_MS, signal);
          break;
        default:
          throw lost();
      }
    }
  }

  return {
    attached: async () => (await lines.all()).map(({ agent }) => agent),

    call: async (id, call, ctx: CallContext) => {
      const { signal } = ctx;
      signal.throwIfAborted();
      const held = await lines.of(id);
      if (held === null || held.isRevoked) throw away(id);
      const first = askOf(held, call);
      const aborted = Promise.withResolvers<never>();
      const onAbort = (): void => {
        giveUp(first);
        aborted.reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        signal.throwIfAborted();
        return await Promise.race([run(held, first, call, signal), aborted.promise]);
      } finally {
        signal.removeEventListener('abort', onAbort);
      }
    },

    detach: async (id) => {
      const held = await lines.of(id);
      if (held === null) return;
      // One that does not hear of it learns it with the agent's next heartbeat.
      await ask(
        { ask: 'agent.detach', holder: held.holder, agent: id, isForwarded: false, why: 'detached' },
        TELL_TIMEOUT_MS,
      );
    },
  };
}

function askOf({ agent, holder }: HeldAgent, { connection, method, args, part }: AgentCall): CallAsk {
  return {
    ask: 'agent.call',
    holder,
    agent: agent.facts.id,
    isForwarded: false,
    callId: randomUUID(),
    destinationId: connection.destinationId,
    method,
    args: [...args],
    part: part === undefined ? null : headOf(part),
  };
}

function headOf({ number, range, sizeBytes, spans }: NonNullable<AgentCall['part']>) {
  return { number, range, sizeBytes, spans: [...spans] };
}

function textOf(first: CallAsk): string {
  const text = JSON.stringify(first);
  if (Buffer.byteLength(text) <= CALL_BYTES_MAX) return text;
  throw new Fault('bug', 'agent.too_large', `more than ${CALL_BYTES_MAX} bytes do not go to an agent`);
}

function away(id: AgentId): Fault {
  return new Fault('transient', 'agent.away', `the agent ${id} is not attached`);
}
