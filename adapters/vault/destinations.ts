/** Destinations over cells: settings in the open, credentials the accounts' matter, drivers connected when asked for. */
import type { Accounts } from '#core/ports/accounts.ts';
import type { Cells } from '#core/ports/cells.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Destination, Destinations } from '#core/ports/destinations.ts';
import type { Provider, ProviderKind, StagingPlace } from '#core/ports/provider.ts';
import { credentialHandles } from './credentials.ts';
import { destinationCells, type Stored } from './destination-cells.ts';
import { kindOf, parseCredentials, parseId, parseSettings } from './parse.ts';

export interface DestinationParts {
  readonly cells: Cells;
  readonly accounts: Accounts;
  readonly kinds: readonly ProviderKind[];
  readonly clock: Clock;
  readonly staging: StagingPlace;
}

/** Connected drivers that are kept; the one unused for longest goes first. */
const CONNECTED_MAX = 256;

export function cellDestinations({ cells, accounts, kinds, clock, staging }: DestinationParts): Destinations {
  const stored = destinationCells(cells);
  const handleFor = credentialHandles(accounts);
  const connected = connections((id, { provider, settings }) => {
    const kind = kindOf(kinds, provider);
    const connection = {
      destinationId: id,
      settings: parseSettings(kind, settings),
      credentials: handleFor(id),
      clock,
      staging,
    };
    return kind.connect(connection);
  });

  return {
    get: async (id) => {
      const found = await stored.find(id);
      return found && toDestination(id, found);
    },

    list: async () => (await stored.all()).map(([id, one]) => toDestination(id, one)),

    create: async ({ id, provider, settings, credentials }) => {
      parseId(id);
      const kind = kindOf(kinds, provider);
      const secret = credentials === undefined ? undefined : parseCredentials(kind, credentials);
      const made = await stored.insert(id, {
        provider,
        settings: parseSettings(kind, settings),
        hasCredentials: false,
        createdAt: clock.now(),
      });
      // Only now is the id ours: stored earlier, the credentials would have replaced those of one that exists.
      if (secret === undefined) {
        await accounts.forget(id);
        return toDestination(id, made);
      }
      await accounts.store(id, secret);
      return toDestination(id, await stored.update(id, (now) => ({ ...now, hasCredentials: true })));
    },

    change: async (id, change) => {
      const kind = kindOf(kinds, (await stored.read(id)).provider);
      const settings = change.settings === undefined ? {} : { settings: parseSettings(kind, change.settings) };
      const secret = change.credentials === undefined ? undefined : parseCredentials(kind, change.credentials);
      if (secret !== undefined) await accounts.store(id, secret);
      const added = secret === undefined ? {} : { hasCredentials: true };
      return toDestination(id, await stored.update(id, (now) => ({ ...now, ...settings, ...added })));
    },

    remove: async (id) => {
      if ((await stored.find(id)) === null) return false;
      // In this order, so that it cannot take the credentials of a destination that is created anew under this id.
      await accounts.forget(id);
      await stored.drop(id);
      return true;
    },

    provider: async (id) => connected(id, await stored.read(id)),
  };
}

function connections(connect: (id: string, stored: Stored) => Provider): (id: string, stored: Stored) => Provider {
  const kept = new Map<string, { readonly mark: string; readonly provider: Provider }>();
  return (id, stored) => {
    const known = kept.get(id);
    const provider = known?.mark === stored.mark ? known.provider : connect(id, stored);
    kept.delete(id);
    kept.set(id, { mark: stored.mark, provider });
    const oldest = kept.keys().next();
    if (kept.size > CONNECTED_MAX && !oldest.done) kept.delete(oldest.value);
    return provider;
  };
}

function toDestination(id: string, { provider, settings, hasCredentials, createdAt }: Stored): Destination {
  return { id, provider, settings, hasCredentials, createdAt };
}
