/** The way to one account: its login, its hosts, its ledger, and the line that is quick from here. */
import type { BilibiliAccount } from '#clients/bilibili/account.ts';
import { type Cookies, csrfOf, renewedLogin } from '#clients/bilibili/cookies.ts';
import { fastestLine, type Line, namedLine } from '#clients/bilibili/lines.ts';
import type { UposUpload } from '#clients/bilibili/upos.ts';
import { alone } from '#clients/shared.ts';
import { Fault, toFault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Connection, CredentialHandle, SharedValue } from '#core/ports/connection.ts';
import { type Joins, joins } from './joins.ts';
import { type Ledger, ledger, type Refused } from './ledger.ts';
import type { BilibiliSession } from './session.ts';
import type { BilibiliLogin, BilibiliSettings } from './settings.ts';

export interface Link {
  readonly settings: BilibiliSettings;
  readonly clock: Clock;
  readonly account: BilibiliAccount;
  readonly ledger: Ledger;
  readonly joins: Joins;
  /** Null: Bilibili chooses. */
  line(signal: AbortSignal): Promise<Line | null>;
  readonly login: CredentialHandle<BilibiliLogin>;
  /** Whose turn it is to renew the login, and when. */
  readonly renewals: SharedValue;
}

/** Lines come and go; a process stays where it is. */
const LINE_MS = 10 * 60_000;

export function link(connection: Connection<BilibiliSettings, BilibiliLogin>): Link {
  const { settings, credentials, clock, shared = alone } = connection;
  const { endpoints: hosts, submissionsPerHour, spacingSeconds } = settings;
  let found: { readonly line: Line | null; readonly atMs: number } | null = null;
  return {
    settings,
    clock,
    account: {
      hosts,
      cookies: async () => (await credentials.read()).cookies,
      renew: async (setCookies, sent) => {
        const renewed = (login: BilibiliLogin) =>
          login.cookies['SESSDATA'] === sent['SESSDATA'] ? renewedLogin(login, setCookies, clock.now()) : login;
        const current = await credentials.read();
        if (renewed(current) !== current) await credentials.rotate(async (login) => renewed(login));
      },
    },
    ledger: ledger({
      shared: shared('account'),
      clock,
      openingsPerHour: submissionsPerHour,
      spacingMs: spacingSeconds * 1000,
    }),
    line: async (signal) => {
      if (settings.line !== undefined) return namedLine(settings.line);
      if (found !== null && clock.now() < found.atMs + LINE_MS) return found.line;
      found = { line: await fastestLine(hosts, signal), atMs: clock.now() };
      return found.line;
    },
    joins: joins({ shared: shared('joins'), clock }),
    login: credentials,
    renewals: shared('renewal'),
  };
}

export function uploadOf({ settings }: Link, { endpoint, object, auth, uploadId }: BilibiliSession): UposUpload {
  return { scheme: settings.endpoints.uposScheme, endpoint, object, auth, uploadId };
}

/**
 * A question to the account: where it is refused for having asked too often, it rests, in all processes. Throws Fault `transient`
 * `bilibili.login_renewed` where it was asked with cookies that another process was just replacing.
 */
export async function asking<T>(
  { ledger, account }: Link,
  at: Refused,
  { signal, work }: { readonly signal: AbortSignal; readonly work: () => Promise<T> },
): Promise<T> {
  const sent = await account.cookies();
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    const fault = toFault(error);
    if (fault.kind === 'auth' && (await isReplaced(account, sent))) throw changedMeanwhile();
    throw await ledger.refused(fault, at);
  }
}

/** Whether the login, or the value that it repeats, is another one by now. */
export async function isReplaced(account: BilibiliAccount, sent: Cookies): Promise<boolean> {
  const now = await account.cookies();
  return now['SESSDATA'] !== sent['SESSDATA'] || csrfOf(now) !== csrfOf(sent);
}

export function changedMeanwhile(): Fault {
  return new Fault('transient', 'bilibili.login_renewed', 'Bilibili has just renewed the login: it is tried again');
}
