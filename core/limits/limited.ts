/** A push driver that keeps to the hours and the speed of its destination. The engine does not know the difference. */
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { SharedValue } from '#core/ports/connection.ts';
import type { PushProvider } from '#core/ports/provider.ts';
import type { Hours, Limits } from '#core/wire/limits.ts';
import { nextOpenMs } from './hours.ts';
import { slowed } from './slowed.ts';
import { speedTurns } from './turns.ts';

/** Whoever widens the hours is not kept waiting until they would have begun. */
const LOOK_AGAIN_MS = 5 * 60_000;

/**
 * Outside its hours nothing is begun, and no further part of what has begun: Fault `throttled` `destination.outside_hours`, in
 * line, so that it counts as no failure. Parts under way come to their end, and files whose parts are all there are finished.
 * Parts take turns at the speed, of all files and in all processes together; those whose bytes come through here flow at it.
 */
export function limitedProvider(
  provider: PushProvider,
  { hours, bytesPerSecond }: Limits,
  { shared, clock }: { readonly shared: SharedValue; readonly clock: Clock },
): PushProvider {
  const inHours = () => {
    if (hours !== undefined) mustBeOpen(hours, clock.now());
  };
  const timed: PushProvider = {
    ...provider,
    open: async (item, ctx) => {
      inHours();
      return provider.open(item, ctx);
    },
    put: async (session, item, part, ctx) => {
      inHours();
      return provider.put(session, item, part, ctx);
    },
  };
  if (bytesPerSecond === undefined) return timed;
  const turns = speedTurns({ shared, clock, bytesPerSecond });
  return {
    ...timed,
    // Parts take turns anyway: more of them at once would only wait.
    plan: (session, sizeBytes, chunkBytes) => ({ ...provider.plan(session, sizeBytes, chunkBytes), inFlightMax: 1 }),
    put: async (session, item, part, ctx) => {
      inHours();
      await turns.take(part.sizeBytes, ctx.signal);
      return provider.put(session, item, slowed(part, { clock, bytesPerSecond, signal: ctx.signal }), ctx);
    },
  };
}

function mustBeOpen(hours: Hours, now: number): void {
  const openMs = nextOpenMs(hours, now);
  if (openMs === now) return;
  const retryAfterMs = Math.min(LOOK_AGAIN_MS, (openMs ?? Number.POSITIVE_INFINITY) - now);
  const when = openMs === null ? 'not within a week' : `in ${Math.ceil((openMs - now) / 60_000)} min`;
  throw new Fault(
    'throttled',
    'destination.outside_hours',
    `it is not the hour of this destination: the next begins ${when}`,
    {
      retryAfterMs,
      isQueued: true,
    },
  );
}
