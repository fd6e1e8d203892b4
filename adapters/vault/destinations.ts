/** Destinations over cells: settings in the open, credentials the accounts' matter, drivers connected when asked for. */
import { createHash } from 'node:crypto';
import { Fault } from '#core/fault.ts';
import type { Accounts } from '#core/ports/accounts.ts';
import type { Browser, BrowserKind } from '#core/ports/browser.ts';
import type { Cells } from '#core/ports/cells.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ProviderKind, StagingPlace } from '#core/ports/connection.ts';
import type { Destination, Destinations, DestinationTerms, UnderWay } from '#core/ports/destinations.ts';
import { credentialHandles } from './credentials.ts';
import { destinationCells, type Stored } from './destination-cells.ts';
import { type Limit, limitedTo } from './limiting.ts';
import { kindOf, parseCredentials, parseId, parseSettings } from './parse.ts';
import { connectAt, type Place } from './placement.ts';
import { sharedValue } from './shared-value.ts';
import { isSamePlace, isSameSite, keptTo, siteOf, withAccount, withSettings } from './site.ts';

export interface DestinationParts {
  readonly cells: Cells;
  readonly accounts: Accounts;
  readonly kinds: readonly ProviderKind[];
  /** Of kinds that can be looked around in. */
  readonly browsers?: readonly BrowserKind[];
  readonly clock: Clock;
  readonly staging: StagingPlace;
  /** What is on its way to a destination. */
  readonly underWay: (id: string) => Promise<UnderWay>;
  /** Absent: this home has no agents. */
  readonly place?: Place;
  /** Absent: this home keeps no limits. */
  readonly limit?: Limit;
}

export interface BrowsableDestinations extends Destinations {
  /** Null for a kind that cannot be looked around in. Throws Fault `rejected` `destination.unknown`. */
  browser(id: string): Promise<Browser | null>;
}

/** Connected drivers that are kept; the one unused for longest goes first. */
const CONNECTED_MAX = 256;

export function cellDestinations(parts: DestinationParts): BrowsableDestinations {
  const { cells, accounts, kinds, browsers = [], clock, staging, underWay, place, limit } = parts;
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
  /** Throws what placement and limits refuse. */
  const driverOf = (id: string, kind: ProviderKind, stored: Omit<Stored, 'mark' | 'hasCredentials'>) => {
    const connection = connectionTo(id, kind, stored);
    return limitedTo(stored.limits, connectAt(stored.placement, kind, connection, place), limit, connection);
  };
  const connected = connections((id, stored) => {
    const kind = kindOf(kinds, stored.provider);
    return keptTo(siteIn(kind, stored), driverOf(id, kind, stored));
  });
  const browsed = connections((id, stored) => {
    const browser = browsers.find((one) => one.id === stored.provider);
    return browser?.connect(connectionTo(id, kindOf(kinds, stored.provider), stored)) ?? null;
  });

  /** After it the driver is another: what the one before had made of older credentials is forgotten with it. */
  async function storeSecret(id: string, kind: ProviderKind, secret: unknown): Promise<Stored> {
    await accounts.store(id, secret);
    return stored.update(id, (now) => ({
      ...now,
      hasCredentials: true,
      site: withAccount(siteIn(kind, now), kind, secret),
    }));
  }

  return {
    get: async (id) => {
      const found = await stored.find(id);
      return found && toDestination(id, found);
    },

    list: async () => (await stored.all()).map(([id, one]) => toDestination(id, one)),

    create: async ({ id, provider, settings, credentials, placement = { on: 'here' }, limits = {} }) => {
      parseId(id);
      const kind = kindOf(kinds, provider);
      const secret = credentials === undefined ? undefined : parseCredentials(kind, credentials);
      const parsed = parseSettings(kind, settings);
      const site = siteOf(kind, parsed, null);
      const fresh = { provider, settings: parsed, placement, limits, createdAt: clock.now(), site };
      if (isPicky(fresh)) driverOf(id, kind, fresh);
      const made = await stored.insert(id, { ...fresh, hasCredentials: false });
      // Only now is the id ours: stored earlier, the credentials would have replaced those of one that exists.
      if (secret === undefined) {
        await accounts.forget(id);
        return toDestination(id, made);
      }
      return toDestination(id, await storeSecret(id, kind, secret));
    },

    change: async (id, change, { ifVersion, site } = {}) => {
      const kind = kindOf(kinds, (await stored.read(id)).provider);
      const settings = change.settings === undefined ? undefined : parseSettings(kind, change.settings);
      const secret = change.credentials === undefined ? undefined : parseCredentials(kind, change.credentials);
      const changed = await stored.update(id, async (now) => {
        mustBe(ifVersion, now);
        const next = {
          ...now,
          ...(settings === undefined ? {} : { settings }),
          ...(change.placement === undefined ? {} : { placement: change.placement }),
          ...(change.limits === undefined ? {} : { limits: change.limits }),
        };
        if ((change.placement ?? change.limits) !== undefined && isPicky(next)) driverOf(id, kind, next);
        const before = siteIn(kind, now);
        const isMoved = site !== 'same' && !isSamePlace(kind, now.settings, next.settings);
        const after = isMoved ? withSettings(before, kind, next.settings) : before;
        const isOther = secret !== undefined && !isSameSite(before, withAccount(before, kind, secret));
        if (isMoved || isOther) mustBeNone((await underWay(id)).unfinished);
        // What was begun at the one is another's to begin anew: a file that is being finished might be there twice.
        if (next.placement.on !== now.placement.on) mustBeNone((await underWay(id)).begun);
        return { ...next, site: after };
      });
      return toDestination(id, secret === undefined ? changed : await storeSecret(id, kind, secret));
    },

    remove: async (id, { ifVersion } = {}) => {
      if ((await stored.find(id)) === null) return false;
      // From here on whoever has read it before is told that it has changed.
      await stored.update(id, async (now) => {
        mustBe(ifVersion, now);
        mustBeNone((await underWay(id)).unfinished);
        return { ...now, hasCredentials: false };
      });
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

/** Not every driver bears what is asked: better told now than by each file. */
function isPicky({ placement, limits }: Pick<Stored, 'placement' | 'limits'>): boolean {
  return placement.on === 'agents' || Object.keys(limits).length > 0;
}

function siteIn(kind: ProviderKind, { site, settings }: Stored): string {
  return site ?? siteOf(kind, settings, null);
}

function mustBe(versions: DestinationTerms['ifVersion'], { mark }: Stored): void {
  if (versions === undefined || versions.includes(mark)) return;
  throw new Fault(
    'rejected',
    'destination.changed',
    'somebody else has changed this destination since: look at it again',
  );
}

function mustBeNone(files: number): void {
  if (files === 0) return;
  const many = files === 1 ? 'a file is on its way' : `${files} files are on their way`;
  throw new Fault('rejected', 'destination.busy', `${many} there: cancel first, or wait`);
}

function toDestination(id: string, stored: Stored): Destination {
  const { provider, settings, hasCredentials, placement, limits, createdAt, mark: version } = stored;
  return { id, provider, settings, hasCredentials, placement, limits, createdAt, version };
}
