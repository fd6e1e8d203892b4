/** A destination's limits, kept to by its driver: when, and how fast. */
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { SharedValue } from '#core/ports/connection.ts';
import type { Provider, PushProvider } from '#core/ports/provider.ts';
import type { Limits } from '#core/wire/limits.ts';

/** The same driver, kept to limits. `shared` is theirs alone, of the destination. */
export type Limit = (
  provider: PushProvider,
  limits: Limits,
  parts: { readonly shared: SharedValue; readonly clock: Clock },
) => PushProvider;

/** Throws Fault `rejected` `destination.no_limits` for a driver that they would not hold. */
export function limitedTo(
  limits: Limits,
  provider: Provider,
  limit: Limit | undefined,
  parts: { readonly shared: (name: string) => SharedValue; readonly clock: Clock },
): Provider {
  if (Object.keys(limits).length === 0) return provider;
  if (limit === undefined) throw noLimits('this home keeps no limits');
  if (provider.mode !== 'push') throw noLimits(`${provider.id} fetches its bytes itself, when and as fast as it likes`);
  return limit(provider, limits, { shared: parts.shared('limits'), clock: parts.clock });
}

function noLimits(message: string): Fault {
  return new Fault('rejected', 'destination.no_limits', message);
}
