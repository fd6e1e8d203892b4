/** The place where a destination's files end up, as a mark that its sessions carry: none is finished at another one. */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import type { ProviderKind } from '#core/ports/connection.ts';
import type { Item, Provider, PushProvider, ServeProvider, Session } from '#core/ports/provider.ts';

/** `settings.account`, each a hash of 16 hex digits; no account: it is not known, or not part of the place. */
export type Site = string;

type Settings = Readonly<Record<string, unknown>>;

/** Beside what the driver itself keeps: whoever reads a driver's session passes over it. */
const KEY = '@site';

const Marked = z.looseObject({ [KEY]: z.string() });

export function siteOf(kind: ProviderKind, settings: Settings, account: string | null): Site {
  const place = kind.siteSettings.map((name) => settings[name] ?? null);
  return `${digest(JSON.stringify(place))}.${account === null ? '' : digest(account)}`;
}

/** The same settings at the account of these credentials; where they do not tell whose they are, at the one that was. */
export function withAccount(site: Site, kind: ProviderKind, credentials: unknown): Site {
  const account = kind.account(credentials);
  return account === null ? site : `${site.split('.')[0]}.${digest(account)}`;
}

export function withSettings(site: Site, kind: ProviderKind, settings: Settings): Site {
  return `${siteOf(kind, settings, null)}${site.split('.')[1] ?? ''}`;
}

/** Whether other settings name the same place. `before` may be of an older release, whose defaults were others. */
export function isSamePlace(kind: ProviderKind, before: Settings, after: Settings): boolean {
  const read = z.record(z.string(), z.unknown()).safeParse(kind.settings.safeParse(before).data).data ?? before;
  return kind.siteSettings.every((name) => isDeepStrictEqual(read[name], after[name]));
}

/** Whether something begun at the one may go on at the other: an account that is not known is taken for the same. */
export function isSameSite(one: Site, other: Site): boolean {
  const [settings, account] = one.split('.');
  const [otherSettings, otherAccount] = other.split('.');
  return settings === otherSettings && (!account || !otherAccount || account === otherAccount);
}

/** The same driver, whose sessions are Fault `gone` `destination.moved` at any other site. Those without a mark are older: they stay. */
export function keptTo(site: Site, provider: Provider): Provider {
  return provider.mode === 'push' ? pushKept(site, provider) : serveKept(site, provider);
}

function pushKept(site: Site, provider: PushProvider): PushProvider {
  const own = ownOf(site);
  return {
    ...provider,
    ...atSite(site, provider),
    plan: (session, sizeBytes, chunkBytes) => provider.plan(bare(session), sizeBytes, chunkBytes),
    put: async (session, item, part, ctx) => provider.put(own(session), item, part, ctx),
    inspect: async (session, item, parts, ctx) => provider.inspect(own(session), item, parts, ctx),
    finish: async (session, item, parts, ctx) => provider.finish(own(session), item, parts, ctx),
  };
}

function serveKept(site: Site, provider: ServeProvider): ServeProvider {
  const own = ownOf(site);
  return {
    ...provider,
    ...atSite(site, provider),
    remoteId: (session) => provider.remoteId(bare(session)),
    attach: async (session, item, ctx) => provider.attach(own(session), item, ctx),
    detach: (session) => provider.detach(bare(session)),
    hold: async (session, item, what, ctx) => provider.hold(own(session), item, what, ctx),
    inspect: async (session, item, ctx) => provider.inspect(own(session), item, ctx),
  };
}

function atSite(site: Site, provider: Provider): Pick<Provider, 'open' | 'discard'> {
  return {
    open: async (item, ctx) => {
      const opening = await provider.open(item, ctx);
      return opening.kind === 'ready' ? { ...opening, session: marked(site, opening.session) } : opening;
    },
    // Where it was opened nobody knows any more: there is nothing here to give up.
    discard: async (session: Session, item: Item, ctx) => {
      if (isOf(site, session)) await provider.discard(bare(session), item, ctx);
    },
  };
}

function ownOf(site: Site): (session: Session) => Session {
  return (session) => {
    if (isOf(site, session)) return bare(session);
    throw new Fault('gone', 'destination.moved', 'the destination names another place now: the file begins anew there');
  };
}

function marked(site: Site, session: Session): Session {
  return isObject(session) ? { ...session, [KEY]: site } : session;
}

function isOf(site: Site, session: Session): boolean {
  const found = Marked.safeParse(session).data?.[KEY];
  return found === undefined || isSameSite(found, site);
}

function bare(session: Session): Session {
  if (!isObject(session)) return session;
  const { [KEY]: _, ...own } = session;
  return own;
}

function isObject(session: Session): session is { [name: string]: Session } {
  return typeof session === 'object' && session !== null && !Array.isArray(session);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
