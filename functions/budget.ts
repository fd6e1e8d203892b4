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

/**
 * The budget of a call whose runtime kills it at its end: `stop` aborts while half of what is kept back is left. `end` is to be
 * called when the call is over.
 */
export function timedBudget(context: RuntimeContext): { readonly budget: Budget; end(): void } {
  const stop = new AbortController();
  const budget = budgetOf(context, stop.signal);
  const reserveMs = context.getRemainingTimeInMillis() - budget.remainingMs();
  const timer = setTimeout(
    () => stop.abort(new Error('the call is about to be ended')),
    Math.max(0, budget.remainingMs() + reserveMs / 2),
  );
  return { budget, end: () => clearTimeout(timer) };
}
