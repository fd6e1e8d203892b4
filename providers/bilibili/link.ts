/** The way to one account: its login, its hosts, its ledger, and the line that is quick from here. */
import type { BilibiliAccount } from '#clients/bilibili/account.ts';
import { renewedLogin } from '#clients/bilibili/cookies.ts';
import { fastestLine, type Line, namedLine } from '#clients/bilibili/lines.ts';
import type { UposUpload } from '#clients/bilibili/upos.ts';
import { alone } from '#clients/shared.ts';
import { toFault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Connection } from '#core/ports/connection.ts';
import { type Ledger, ledger, type Refused } from './ledger.ts';
import type { BilibiliSession } from './session.ts';
import type { BilibiliLogin, BilibiliSettings } from './settings.ts';

export interface Link {
  readonly settings: BilibiliSettings;
  readonly clock: Clock;
  readonly account: BilibiliAccount;
  readonly ledger: Ledger;
  /** Null: Bilibili chooses. */
  line(signal: AbortSignal): Promise<Line | null>;
  /** Epoch milliseconds, where it is known. */
  loginEndsAtMs(): Promise<number | undefined>;
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
    loginEndsAtMs: async () => (await credentials.read()).expiresAtMs,
  };
}

export function uploadOf({ settings }: Link, { endpoint, object, auth, uploadId }: BilibiliSession): UposUpload {
  return { scheme: settings.endpoints.uposScheme, endpoint, object, auth, uploadId };
}

/** A question to the account: where it is refused for having asked too often, it rests, in all processes. */
export async function asking<T>(
  { ledger }: Link,
  at: Refused,
  { signal, work }: { readonly signal: AbortSignal; readonly work: () => Promise<T> },
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    throw await ledger.refused(toFault(error), at);
  }
}
