/** By what a file shows that it has begun at an agent, and at which. */
import * as z from 'zod';
import { Session } from '#core/ports/provider.ts';
import type { HeadState } from '#core/state.ts';
import { AgentId } from '#core/wire/agent.ts';

/** The agent that opened it, and the driver's own, which any agent can take up. */
export const PlacedSession = z.object({ agent: AgentId, of: Session });
export type PlacedSession = z.infer<typeof PlacedSession>;

/** Where its session is; null: it has none, or none at an agent. */
export function agentOf({ step }: HeadState): AgentId | null {
  const live = step.phase === 'failed' ? step.resume : step;
  return 'session' in live ? (PlacedSession.safeParse(live.session).data?.agent ?? null) : null;
}

/** Its service was asked already, by whichever address: it has a session or questions, or was told to wait, or was refused. */
export function hasBegun({ step, sessionNo, events }: Pick<HeadState, 'step' | 'sessionNo' | 'events'>): boolean {
  const rounds = step.phase === 'opening' ? step.rounds : 0;
  const isTold = events.some(({ type, code }) => TOLD.has(type) && code !== undefined && isOfDriver(code));
  return sessionNo > 0 || rounds > 0 || isTold;
}

/** Whether the code of a Fault is neither of the way to the agent, nor of where there is none, nor of the staged bytes. */
export function isOfDriver(code: string): boolean {
  return !/^(?:agents?|destination|staging)\./.test(code);
}

const TOLD: ReadonlySet<string> = new Set(['fault', 'gone', 'queued', 'failed']);
