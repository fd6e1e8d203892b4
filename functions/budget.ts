/** How long a call may work, from what the runtime says it has. */
import type { Budget } from '#core/transfer/engine.ts';

export interface RuntimeContext {
  getRemainingTimeInMillis(): number;
}

/** Kept back from what the runtime gives, to commit and hand over: a minute, or a fifth of a short budget. */
const RESERVE_MS = 60_000;
const RESERVE_SHARE = 5;

/** `stop` aborts when effects must end at once: shortly before a runtime kills the call, or late in a drain. */
export function budgetOf(context: RuntimeContext, stop: AbortSignal): Budget {
  const reserve = Math.min(RESERVE_MS, Math.floor(context.getRemainingTimeInMillis() / RESERVE_SHARE));
  return { remainingMs: () => context.getRemainingTimeInMillis() - reserve, signal: stop };
}
