/** Agents: processes on other machines, with an address and a line of their own, where a driver's calls are run. */
import type { AgentBytes, AgentFacts, AgentId } from '#core/wire/agent.ts';
import type { CredentialHandle, SharedValue, StagingPlace } from './connection.ts';
import type { CallContext, PartBody } from './provider.ts';

/** What a call answers and is asked with: whatever JSON can say. */
type Json = unknown;

/** A driver to connect at the agent: what `ProviderKind.connect` takes there, but for the clock, which is the agent's own. */
export interface RemoteConnection {
  readonly provider: string;
  readonly destinationId: string;
  readonly deviceId: string;
  /** As the destination has them: the agent parses them by the kind's own schema. */
  readonly settings: Json;
  readonly staging: StagingPlace;
  /** Answered from here, each time that the driver asks; the agent keeps none of it beyond the call. */
  readonly credentials: CredentialHandle<unknown>;
  readonly shared: (name: string) => SharedValue;
}

/** One call of a push driver. `args` are the call's own, without part and context. */
export interface AgentCall {
  readonly connection: RemoteConnection;
  readonly method: 'open' | 'put' | 'inspect' | 'finish' | 'discard' | 'check';
  /** A JSON array of at most 2 MiB. */
  readonly args: readonly Json[];
  /** Of `put`. */
  readonly part?: PartBody;
}

/** An agent that is attached now. */
export interface AttachedAgent {
  readonly facts: AgentFacts;
  /** IP that the connection comes from, without port. */
  readonly address: string;
  readonly attachedAt: number;
  readonly lastHeardAt: number;
  readonly memoryBytes: number | null;
  /** Absent: all it is given comes over its line. */
  readonly bytes?: AgentBytes;
}

/** One of several processes that hold agents' lines, as the others reach it. Another `epoch` is another process. */
export interface LineHolder {
  readonly url: string;
  readonly epoch: string;
}

/** An agent, and who holds its line. */
export interface HeldAgent {
  readonly agent: AttachedAgent;
  readonly holder: LineHolder;
  /** No call is for it any more: whoever holds its line may not have heard of that yet. */
  readonly isRevoked: boolean;
}

/** Where agents are attached, as every process sees it: what was heard of within 90 s. */
export interface AgentLines {
  all(): Promise<readonly HeldAgent[]>;
  of(id: AgentId): Promise<HeldAgent | null>;
}

/**
 * Laws:
 * - `call` answers what the driver answered there, parsed by nobody yet, and throws the Fault that it threw: kind, code, message and
 *   `retryAfterMs`. Of an agent that is not attached it is Fault `transient` `agent.away`, and nothing has been done; of one whose
 *   connection ends before it answers, `transient` `agent.lost`, and the call may have had its effect. An agent without that
 *   provider: Fault `rejected` `agent.no_provider`.
 * - A part's bytes flow when the agent reads them, never faster. Over the line `part.open` is called when the driver opens the part there,
 *   again for each retry, and its stream is canceled when the driver's is. An agent that reaches the bucket may read the part's spans there
 *   instead: `part.flowed` is told, and what the driver meets is the same.
 * - When `ctx.signal` aborts the call rejects with its reason at once, the agent is told, and the driver's signal aborts there.
 * - Secrets are asked for by the driver and answered from here for this one call. What a driver has made of
 *   them, as keys for an hour, may stay in its memory for a minute, for the next call; between calls it can ask for nothing.
 * - Of two agents of one id the one that came last is attached, and the other is told to end.
 */
export interface Agents {
  /** A promise where others hold the lines. */
  attached(): readonly AttachedAgent[] | Promise<readonly AttachedAgent[]>;
  call(id: AgentId, call: AgentCall, ctx: CallContext): Promise<Json>;
  /** Ends its connection; it may come back unless its registration says no. */
  detach(id: AgentId): void | Promise<void>;
}

/** Those whose lines this very process holds. */
export interface AgentsHere extends Agents {
  attached(): readonly AttachedAgent[];
  detach(id: AgentId, why?: 'detached' | 'replaced'): void;
}
