/** From the stored login to the drive: read anew for each call, for a person may have logged in again since. */
import { readCookie } from '#clients/pan115/cookie/cookie.ts';
import { openApi } from '#clients/pan115/open/api.ts';
import { refreshTokens } from '#clients/pan115/open/login.ts';
import { accessTokens, type OpenTokens } from '#clients/pan115/open/tokens.ts';
import { pace } from '#clients/pan115/pace.ts';
import { alone } from '#clients/shared.ts';
import { Fault } from '#core/fault.ts';
import type { Connection } from '#core/ports/connection.ts';
import { cookieDrive, type Drive, openDrive } from './drive.ts';
import type { Pan115Login, Pan115Settings } from './settings.ts';

/** One pace and one renewal at a time for all processes of this destination. Throws Fault `auth` `pan115.cookie_off`. */
export function drives(connection: Connection<Pan115Settings, Pan115Login>): () => Promise<Drive> {
  const { settings, credentials, clock, shared = alone } = connection;
  const { endpoints } = settings;
  const paced = pace({ clock, perSecond: settings.requestsPerSecond, shared: shared('pace') });
  const hosts = { ...endpoints, qrcode: endpoints.passport };
  const keeper = {
    read: async () => tokensIn(await credentials.read()),
    rotate: async (replace: (current: OpenTokens) => Promise<OpenTokens>) =>
      tokensIn(await credentials.rotate((current) => replace(tokensIn(current)))),
  };
  const refresh = (token: string) => refreshTokens(hosts, token, clock.now);
  const open = openDrive(
    openApi({ hosts, access: accessTokens({ keeper, refresh, clock, shared: shared('renewal') }), pace: paced }),
  );
  let cookie: { readonly text: string; readonly drive: Drive } | null = null;
  return async () => {
    const login = await credentials.read();
    if (login.cookie === undefined) return open;
    if (!settings.allowCookie) {
      const text = 'a cookie is stored, and the settings do not allow the cookie way: log in to 115 or allow it';
      throw new Fault('auth', 'pan115.cookie_off', text);
    }
    if (cookie?.text !== login.cookie) {
      const account = { hosts: endpoints, cookie: readCookie(login.cookie), pace: paced, clock };
      cookie = { text: login.cookie, drive: cookieDrive(account) };
    }
    return cookie.drive;
  };
}

/** The number of the user whose cookie it is. Tokens of the open platform tell nobody's name: null. */
export function accountOf({ cookie }: Pan115Login): string | null {
  return /(?:^|[;\s])UID=(\d{1,20})_/i.exec(cookie ?? '')?.[1] ?? null;
}

function tokensIn({ accessToken, refreshToken, expiresAtMs = 0 }: Pan115Login): OpenTokens {
  if (accessToken !== undefined && refreshToken !== undefined) return { accessToken, refreshToken, expiresAtMs };
  throw new Fault('auth', 'pan115.login_changed', 'a cookie has taken the place of the login: press retry');
}
