/**
 * Drivers connected here, shared by the calls of their destination. What one has learnt (keys to a bucket, what a store can do) stays for
 * the next call, if that comes within a minute; between calls it can ask the home for nothing.
 */
import { ZodError } from 'zod';
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ProviderKind } from '#core/ports/connection.ts';
import type { PushProvider } from '#core/ports/provider.ts';
import type { Asks } from './asks.ts';
import type { WireCall } from './call.ts';

export interface Drivers {
  /**
   * Rejects with what the work rejects with. Throws Fault `rejected` `agent.no_provider` of a kind that is not offered, and
   * `agent.settings_refused` of settings that the kind here does not know.
   */
  use<T>(call: WireCall, work: (driver: PushProvider) => Promise<T>): Promise<T>;
}

interface Connected {
  readonly driver: PushProvider;
  /** Any of them may be named to the home as the one for which the driver asks. */
  readonly callIds: Set<string>;
  /** Aborts when it is wanted again. */
  rest: AbortController | null;
}

const KEPT_MS = 60_000;

export function agentDrivers(kinds: readonly ProviderKind[], asks: Asks, clock: Clock): Drivers {
  const connected = new Map<string, Connected>();

  function connect(call: WireCall): Connected {
    const { destinationId, deviceId, settings, staging } = call;
    const callIds = new Set<string>();
    const handles = asks.handles(() => callIds.values().next().value ?? null);
    const kind = kinds.find(({ id }) => id === call.provider);
    const driver = kind?.connect({ destinationId, deviceId, settings, staging, clock, ...handles });
    if (driver?.mode === 'push') return { driver, callIds, rest: null };
    throw new Fault('rejected', 'agent.no_provider', `this agent does not run ${call.provider}`);
  }

  function keep(key: string, one: Connected): void {
    const rest = new AbortController();
    one.rest = rest;
    clock.sleep(KEPT_MS, rest.signal).then(
      () => connected.delete(key),
      () => undefined,
    );
  }

  return {
    use: async (call, work) => {
      const { provider, destinationId, deviceId, settings, staging } = call;
      const key = JSON.stringify([provider, destinationId, deviceId, settings, staging]);
      const one = connected.get(key) ?? explained(() => connect(call));
      connected.set(key, one);
      one.rest?.abort();
      one.callIds.add(call.id);
      try {
        return await work(one.driver);
      } finally {
        one.callIds.delete(call.id);
        if (one.callIds.size === 0) keep(key, one);
      }
    },
  };
}

function explained<T>(connect: () => T): T {
  try {
    return connect();
  } catch (error) {
    if (!(error instanceof ZodError)) throw error;
    const text = 'the agent does not know such settings of this destination: is it of another version than its home?';
    throw new Fault('rejected', 'agent.settings_refused', text);
  }
}
