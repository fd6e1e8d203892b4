/** Destinations over cells: settings in the open, credentials the accounts' matter, drivers connected when asked for. */
import { createHash } from 'node:crypto';
import type { Accounts } from '#core/ports/accounts.ts';
import type { Browser, BrowserKind } from '#core/ports/browser.ts';
import type { Cells } from '#core/ports/cells.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ProviderKind, StagingPlace } from '#core/ports/connection.ts';
import type { Destination, Destinations } from '#core/ports/destinations.ts';
import { credentialHandles } from './credentials.ts';
import { destinationCells, type Stored } from './destination-cells.ts';
import { kindOf, parseCredentials, parseId, parseSettings } from './parse.ts';
import { connectAt, type Place } from './placement.ts';
import { sharedValue } from './shared-value.ts';

export interface DestinationParts {
  readonly cells: Cells;
  readonly accounts: Accounts;
  readonly kinds: readonly ProviderKind[];
  /** Of kinds that can be looked around in. */
  readonly browsers?: readonly BrowserKind[];
  readonly clock: Clock;
  readonly staging: StagingPlace;
  /** Absent: this home has no agents. */
  readonly place?: Place;
}

export interface BrowsableDestinations extends Destinations {
  /** Null for a kind that cannot be looked around in. Throws Fault `rejected` `destination.unknown`. */
  browser(id: string): Promise<Browser | null>;
}

/** Connected drivers that are kept; the one unused for longest goes first. */
const CONNECTED_MAX = 256;

export function cellDestinations(parts: DestinationParts): BrowsableDestinations {
  const { cells, accounts, kinds, browsers = [], clock, staging, place } = parts;
  const stored = destinationCells(cells);
  const handleFor = credentialHandles(accounts);
  const connectionTo = (
    id: string,
    kind: ProviderKind,
    { settings, createdAt }: Pick<Stored, 'settings' | 'createdAt'>,
  ) => ({
    destinationId: id,
    deviceId: deviceIdOf(id, createdAt),
    settings: parseSettings(kind, settings),
    credentials: handleFor(id),
    clock,
    staging,
    shared: (name: string) => sharedValue(cells, id, name),
  });
  const connected = connections((id, stored) => {
    const kind = kindOf(kinds, stored.provider);
    return connectAt(stored.placement, kind, connectionTo(id, kind, stored), place);
  });
  const browsed = connections((id, stored) => {
    const browser = browsers.find((one) => one.id === stored.provider);
    return browser?.connect(connectionTo(id, kindOf(kinds, stored.provider), stored)) ?? null;
  });

  return {
    get: async (id) => {
      const found = await stored.find(id);
      return found && toDestination(id, found);
    },

    list: async () => (await stored.all()).map(([id, one]) => toDestination(id, one)),

    create: async ({ id, provider, settings, credentials, placement = { on: 'here' } }) => {
      parseId(id);
      const kind = kindOf(kinds, provider);
      const secret = credentials === undefined ? undefined : parseCredentials(kind, credentials);
      const fresh = { provider, settings: parseSettings(kind, settings), placement, createdAt: clock.now() };
      if (placement.on === 'agents') connectAt(placement, kind, connectionTo(id, kind, fresh), place);
      const made = await stored.insert(id, { ...fresh, hasCredentials: false });
      // Only now is the id ours: stored earlier, the credentials would have replaced those of one that exists.
      if (secret === undefined) {
        await accounts.forget(id);
        return toDestination(id, made);
      }
      await accounts.store(id, secret);
      return toDestination(id, await stored.update(id, (now) => ({ ...now, hasCredentials: true })));
    },

    change: async (id, change) => {
      const before = await stored.read(id);
      const kind = kindOf(kinds, before.provider);
      const settings = change.settings === undefined ? {} : { settings: parseSettings(kind, change.settings) };
      const secret = change.credentials === undefined ? undefined : parseCredentials(kind, change.credentials);
      const placement = change.placement === undefined ? {} : { placement: change.placement };
      if (change.placement?.on === 'agents') {
        connectAt(change.placement, kind, connectionTo(id, kind, { ...before, ...settings }), place);
      }
      if (secret !== undefined) await accounts.store(id, secret);
      const added = secret === undefined ? {} : { hasCredentials: true };
      return toDestination(id, await stored.update(id, (now) => ({ ...now, ...settings, ...placement, ...added })));
    },

    remove: async (id) => {
      if ((await stored.find(id)) === null) return false;
      // In this order, so that it cannot take the credentials of a destination that is created anew under this id.
      await accounts.forget(id);
      await stored.drop(id);
      return true;
    },

    refusal: ({ provider, settings }, file) => {
      const kind = kinds.find((one) => one.id === provider);
      return kind?.refusal(settings, file) ?? null;
    },

    provider: async (id) => connected(id, await stored.read(id)),
    browser: async (id) => browsed(id, await stored.read(id)),
  };
}

function connections<T>(connect: (id: string, stored: Stored) => T): (id: string, stored: Stored) => T {
  const kept = new Map<string, { readonly mark: string; readonly made: T }>();
  return (id, stored) => {
    const known = kept.get(id);
    const made = known?.mark === stored.mark ? known.made : connect(id, stored);
    kept.delete(id);
    kept.set(id, { mark: stored.mark, made });
    const oldest = kept.keys().next();
    if (kept.size > CONNECTED_MAX && !oldest.done) kept.delete(oldest.value);
    return made;
  };
}

/** Made from what a destination is created with and never changes; the time tells apart those of two homes with one id. */
function deviceIdOf(id: string, createdAt: number): string {
  return createHash('sha256').update(`${id} ${createdAt}`).digest('hex').slice(0, 32);
}

function toDestination(id: string, { provider, settings, hasCredentials, placement, createdAt }: Stored): Destination {
  return { id, provider, settings, hasCredentials, placement, createdAt };
}
