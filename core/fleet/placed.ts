/** A push driver whose calls run at agents. The engine does not know the difference. */
import type * as z from 'zod';
import { type Fault, toFault } from '#core/fault.ts';
import type { AgentCall, Agents, AttachedAgent, RemoteConnection } from '#core/ports/agents.ts';
import type { Clock } from '#core/ports/clock.ts';
import { type CallContext, type Item, type PartBody, type PushProvider, pushProvider } from '#core/ports/provider.ts';
import type { AgentId } from '#core/wire/agent.ts';
import {
  answerOf,
  CheckAnswer,
  DiscardAnswer,
  FinishAnswer,
  HoldingAnswer,
  OpeningAnswer,
  PartAnswer,
} from './answers.ts';
import { isOfDriver, PlacedSession } from './begun.ts';
import type { AgentPaces } from './paces.ts';
import { type AgentPlacement, picker } from './pick.ts';
import type { AgentRegistry } from './registry.ts';
import type { Place } from './take.ts';
import { type Turns, turnsHere } from './turns.ts';

export interface PlacedParts {
  /** The same driver connected here, of which only what is pure is used. */
  readonly local: PushProvider;
  readonly connection: RemoteConnection;
  readonly placement: AgentPlacement;
  readonly agents: Agents;
  /** Of one agent. Absent: it is looked for among all that are attached. */
  readonly find?: (id: AgentId) => Promise<AttachedAgent | null>;
  readonly registry: AgentRegistry;
  readonly pace: AgentPaces;
  readonly clock: Clock;
  /** Absent: this process makes all choices. */
  readonly turns?: Turns;
  /** `from-bucket`: an agent that does not reach the bucket is given no file. */
  readonly bytes?: 'from-bucket';
}

/**
 * `open` chooses an agent; the calls that follow go to it while it is attached. One that is away for 90 s is given up, and another
 * carries on with the session: if that is worth nothing there, the driver says `gone` and the engine opens anew. A refusal goes to
 * the engine as it is; no other address is tried to get past it.
 */
export function placedProvider(parts: PlacedParts): PushProvider {
  const { local, connection, agents, registry } = parts;
  const { busy } = registry;
  const pick = picker({ turns: turnsHere(), ...parts, provider: local.id });

  /** One call of a file at the agent that `find` gives. */
  async function run<T>(
    find: () => Promise<Place>,
    call: Pick<AgentCall, 'method' | 'args'> & { readonly part?: PartBody },
    schema: z.ZodType<T>,
    item: Item,
    ctx: CallContext,
  ): Promise<{ readonly id: AgentId; readonly answer: T }> {
    ctx.signal.throwIfAborted();
    const { id, leave } = await find();
    try {
      const answer = await agents.call(id, { connection, ...call }, ctx);
      return { id, answer: answerOf(schema, call.method, answer) };
    } catch (error) {
      if (!ctx.signal.aborted) await note(id, item, toFault(error));
      throw error;
    } finally {
      leave();
    }
  }

  async function note(id: AgentId, item: Item, fault: Fault): Promise<void> {
    if (fault.isQueued || !isOfDriver(fault.code)) return;
    if (fault.kind === 'risk' || fault.kind === 'throttled') await registry.refused(id, fault.code);
    if (ENDS.has(fault.kind) && (await isOver(id, item))) await registry.ended(id, 'failed');
  }

  async function done(id: AgentId, item: Item): Promise<void> {
    if (await isOver(id, item)) await registry.ended(id, 'done');
  }

  /** The call has gone as it has gone: a place that cannot be given up now runs out. */
  function isOver(id: AgentId, item: Item): Promise<boolean> {
    return busy.over(id, item.transferId).catch(() => false);
  }

  const at = (session: PlacedSession, item: Item) => () => pick.follow(session.agent, item.transferId);

  return pushProvider(PlacedSession, {
    id: local.id,
    needs: local.needs,
    instant: local.instant,
    plan: (session, sizeBytes, chunkBytes) => local.plan(session.of, sizeBytes, chunkBytes),

    open: async (item, ctx) => {
      const find = () => pick.begin(item);
      const { id, answer } = await run(find, { method: 'open', args: [item] }, OpeningAnswer, item, ctx);
      if (answer.kind === 'done') await done(id, item);
      if (answer.kind !== 'ready') return answer;
      return { ...answer, session: { agent: id, of: answer.session } };
    },

    put: async (session, item, part, ctx) => {
      const call = { method: 'put', args: [session.of, item], part } as const;
      const { id, answer } = await run(at(session, item), call, PartAnswer, item, ctx);
      registry.sent(id, part.sizeBytes);
      return answer;
    },

    inspect: async (session, item, parts, ctx) => {
      const call = { method: 'inspect', args: [session.of, item, parts] } as const;
      const { id, answer } = await run(at(session, item), call, HoldingAnswer, item, ctx);
      if (answer.kind === 'complete') await done(id, item);
      return answer;
    },

    finish: async (session, item, parts, ctx) => {
      const call = { method: 'finish', args: [session.of, item, parts] } as const;
      const { id, answer } = await run(at(session, item), call, FinishAnswer, item, ctx);
      await done(id, item);
      return answer;
    },

    discard: async (session, item, ctx) => {
      const call = { method: 'discard', args: [session.of, item] } as const;
      const { id } = await run(at(session, item), call, DiscardAnswer, item, ctx);
      await isOver(id, item);
    },

    check: async (ctx) => {
      ctx.signal.throwIfAborted();
      const id = await pick.any();
      const answer = await agents.call(id, { connection, method: 'check', args: [] }, ctx);
      const report = answerOf(CheckAnswer, 'check', answer);
      return { ...report, message: `${report.message} (asked by agent ${id})` };
    },
  });
}

/** After these the engine gives the file up, or asks a person. */
const ENDS: ReadonlySet<string> = new Set(['auth', 'rejected', 'risk', 'bug']);
