/** The line to one attached agent: calls go down, answers and questions come up. */
import { randomUUID } from 'node:crypto';
import { callOver, faultText, lost } from '#clients/agents/fault-text.ts';
import { ASKED_BYTES_MAX, CALLS_MAX, JSON_BYTES_MAX } from '#clients/agents/interface.ts';
import { writeJson } from '#clients/agents/json.ts';
import { Fault } from '#core/fault.ts';
import type { AgentCall, AttachedAgent } from '#core/ports/agents.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { CallContext } from '#core/ports/provider.ts';
import type { AgentBytes, AgentFacts } from '#core/wire/agent.ts';
import type { Ask__Output } from '#proto/generated/agent/Ask.ts';
import type { FromAgent__Output } from '#proto/generated/agent/FromAgent.ts';
import type { ToAgent } from '#proto/generated/agent/ToAgent.ts';
import { type Errand, startErrand } from './errand.ts';
import { agentWays, type BytesPolicy } from './ways.ts';

/** Why the home ends a line. */
export type LeaveReason = 'replaced' | 'detached' | 'closing' | 'silent' | 'expired';

export interface Link {
  view(): AttachedAgent & { readonly bytes: AgentBytes };
  call(call: AgentCall, ctx: CallContext): Promise<unknown>;
  /** Any message but the first. */
  hear(message: FromAgent__Output): void;
  errand(callId: string): Errand | undefined;
  /** Says why, and ends the line. */
  leave(reason: LeaveReason): void;
  /** The line is no more: what is under way is lost. Repeats well. */
  end(): void;
}

/** The stream, as far as a link needs it. */
export interface Wire {
  /** Calls back once the message has left this process. */
  write(message: ToAgent, onLeft: () => void): void;
  end(): void;
}

export interface LinkParts {
  readonly facts: AgentFacts;
  readonly address: string;
  readonly wire: Wire;
  readonly clock: Clock;
  /** Null: all bytes go over the line. */
  readonly bytes: BytesPolicy | null;
  readonly onBytes: (bytes: AgentBytes, was: AgentBytes) => void;
  /** A heartbeat; what it says is in the view already, but for a token that came along, or none. */
  readonly onBeat: (token: string) => void;
  /** It goes by itself and takes nothing new. */
  readonly onBye: () => void;
}

/** Of calls that wait to be sent to an agent on a slow line. */
const UNSENT_BYTES_MAX = 8 * 1024 * 1024;

export function openLink(parts: LinkParts): Link {
  const { facts, address, wire, clock, onBeat, onBye } = parts;
  const errands = new Map<string, Errand>();
  const attachedAt = clock.now();
  let lastHeardAt = attachedAt;
  let memoryBytes: number | null = null;
  let unsentBytes = 0;
  let isOpen = true;
  const ways = agentWays({ policy: parts.bytes, say: (probe) => say({ probe }), onChange: parts.onBytes });

  function say(message: ToAgent, sizeBytes = 0): void {
    if (!isOpen) return;
    unsentBytes += sizeBytes;
    wire.write(message, () => {
      unsentBytes -= sizeBytes;
    });
  }

  async function call(call: AgentCall, ctx: CallContext): Promise<unknown> {
    ctx.signal.throwIfAborted();
    const { connection, method, args, part } = call;
    if (!facts.providers.includes(connection.provider)) {
      throw new Fault('rejected', 'agent.no_provider', `the agent ${facts.id} does not run ${connection.provider}`);
    }
    if (errands.size >= CALLS_MAX || unsentBytes > UNSENT_BYTES_MAX) {
      throw new Fault('throttled', 'agent.busy', `the agent ${facts.id} has enough to do`, {
        retryAfterMs: 1_000,
        isQueued: true,
      });
    }
    const way = ways.of(part);
    const id = randomUUID();
    const message = {
      call_id: id,
      provider: connection.provider,
      destination_id: connection.destinationId,
      device_id: connection.deviceId,
      method,
      settings: writeJson(connection.settings, ASKED_BYTES_MAX),
      staging: writeJson(connection.staging, ASKED_BYTES_MAX),
      args: writeJson(args, JSON_BYTES_MAX),
      part: part === undefined ? '' : writeJson(headOf(part), JSON_BYTES_MAX / 2),
      way,
    };
    const errand = startErrand({
      id,
      call,
      way,
      locate: ways.locate,
      ctx,
      clock,
      say,
      onEnd: () => errands.delete(id),
    });
    errands.set(id, errand);
    say({ call: message }, message.args.length + message.part.length);
    return errand.answer;
  }

  function hearAsk(ask: Ask__Output): void {
    const errand = errands.get(ask.call_id);
    if (errand) errand.ask(ask);
    else say({ answer: { ask_id: ask.ask_id, fault: faultText(callOver()) } });
  }

  function end(): void {
    if (!isOpen) return;
    isOpen = false;
    for (const errand of errands.values()) errand.lose();
    errands.clear();
  }

  return {
    view: () => ({ facts, address, attachedAt, lastHeardAt, memoryBytes, bytes: ways.view() }),
    call: async (...given) => {
      if (!isOpen) throw lost();
      return call(...given);
    },
    hear: ({ heartbeat, result, ask, replacement, bye, probed, pulled }) => {
      lastHeardAt = clock.now();
      if (heartbeat) {
        memoryBytes = Math.min(Math.max(0, heartbeat.memory_bytes), Number.MAX_SAFE_INTEGER);
        onBeat(heartbeat.token);
        say({ heard: {} });
        ways.beat();
      }
      if (result) errands.get(result.call_id)?.settle(result);
      if (ask) hearAsk(ask);
      if (replacement) for (const errand of errands.values()) errand.replaced(replacement);
      if (probed) ways.probed(probed);
      if (pulled) errands.get(pulled.call_id)?.pulled(pulled.size_bytes);
      if (bye) onBye();
    },
    errand: (callId) => errands.get(callId),
    leave: (reason) => {
      say({ leave: { reason } });
      end();
      wire.end();
    },
    end,
  };
}

function headOf({ number, range, sizeBytes, spans }: NonNullable<AgentCall['part']>) {
  return { number, range, sizeBytes, spans };
}
