/** What a sandbox makes at its first call and keeps for all that follow, and how each call ends. */
import type { GatheredProgress } from '#adapters/http-progress/gathered.ts';
import { httpProgressSink } from '#adapters/http-progress/sink.ts';
import { systemClock } from '#adapters/system/clock.ts';
import type { RuntimeContext } from '../budget.ts';
import type { CloudParts } from '../deps.ts';
import type { FunctionEnv } from '../env.ts';

/** Before the runtime would kill the call: time for the answer, and for news. */
const LATE_MS = 2_000;
const FLUSH_MS = 1_000;

/** One composition per process, also for calls at once; one that failed is made anew by the next call. */
export function oncePerSandbox<T>(compose: () => Promise<T>): () => Promise<T> {
  let composed: Promise<T> | null = null;
  return () => {
    composed ??= compose().catch((error: unknown) => {
      composed = null;
      throw error;
    });
    return composed;
  };
}

export function progressTo({ ENTREPOT_RELAY_URL: relay }: FunctionEnv, secret: string): GatheredProgress {
  return httpProgressSink({ url: `${relay}/internal/progress`, secret, clock: systemClock() });
}

/** Of `composeCloud`; loaded only where the home takes agents. */
export async function fleetOf(
  { ENTREPOT_AGENTS: agents, ENTREPOT_RELAY_URL: relay }: FunctionEnv,
  secret: string,
): Promise<Pick<CloudParts, 'fleet'>> {
  if (agents === undefined) return {};
  const { fleetByRelay } = await import('./fleet.ts');
  return { fleet: fleetByRelay(relay, secret) };
}

/** Lets news out before the process is frozen; a relay that is slow is not waited for. */
export function flush(progress: GatheredProgress): Promise<void> {
  return progress.flush(AbortSignal.timeout(FLUSH_MS));
}

/** The work's answer, or that of `late` when the runtime would soon kill the call. */
export async function inTime<T>(context: RuntimeContext, work: Promise<T>, late: () => T): Promise<T> {
  const { promise: over, resolve } = Promise.withResolvers<T>();
  const timer = setTimeout(() => resolve(late()), Math.max(0, context.getRemainingTimeInMillis() - LATE_MS));
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}
