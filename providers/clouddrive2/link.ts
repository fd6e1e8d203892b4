/** The way to one server: its client, made on first use, and where a file goes in its tree. */
import { type CloudDrive2Client, createCloudDrive2Client } from '#clients/clouddrive2/client.ts';
import { type DavClient, davClient } from '#clients/clouddrive2/dav.ts';
import type { Credentials } from '#clients/clouddrive2/tokens.ts';
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Connection } from '#core/ports/connection.ts';
import type { Item } from '#core/ports/provider.ts';
import { AREA, faultOfDiagnosis } from './faults.ts';
import type { CloudDrive2Login, CloudDrive2Settings } from './settings.ts';

export interface Link {
  readonly settings: CloudDrive2Settings;
  readonly clock: Clock;
  readonly deviceId: string;
  /** Runs the call; one that the server did not answer is told with what is the matter with the server. */
  call<T>(work: (client: CloudDrive2Client) => Promise<T>, signal: AbortSignal): Promise<T>;
  /** The same for a stream that breaks off. */
  stream<T>(open: (client: CloudDrive2Client) => AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T>;
  /** Throws what is the matter with the server, or with our login to it. Looked at every 5 s at most. */
  mustBeFine(signal: AbortSignal): Promise<void>;
  /** WebDAV, with the login that is meant for it. Throws Fault `auth` when there is none. */
  dav(): Promise<{ readonly client: DavClient; readonly userName: string }>;
}

export function link(connection: Connection<CloudDrive2Settings, CloudDrive2Login>): Link {
  const { settings, clock, deviceId, credentials } = connection;
  let made: Promise<CloudDrive2Client> | null = null;
  let live: CloudDrive2Client | null = null;
  let seen: { readonly atMs: number; readonly fault: Fault | null } | null = null;

  function current(): Promise<CloudDrive2Client> {
    made ??= credentials.read().then((login) => {
      live = clientOf(settings, login, clock);
      return live;
    });
    made.catch(() => {
      made = null;
    });
    return made;
  }

  /** A person may have given another login since. */
  function forget(client: CloudDrive2Client): void {
    if (client === live) made = null;
    client.close();
  }

  async function explained(error: unknown, client: CloudDrive2Client, signal: AbortSignal): Promise<unknown> {
    signal.throwIfAborted();
    if (!(error instanceof Fault)) return error;
    if (LOGIN_REFUSED.has(error.code)) forget(client);
    return UNANSWERED.has(error.code) ? (faultOfDiagnosis(await client.diagnose(signal)) ?? error) : error;
  }

  return {
    settings,
    clock,
    deviceId,
    call: async (work, signal) => {
      signal.throwIfAborted();
      const client = await current();
      try {
        return await work(client);
      } catch (error) {
        throw await explained(error, client, signal);
      }
    },
    stream: async function* (open, signal) {
      const client = await current();
      try {
        yield* open(client);
      } catch (error) {
        throw await explained(error, client, signal);
      }
    },
    mustBeFine: async (signal) => {
      signal.throwIfAborted();
      if (seen === null || clock.now() - seen.atMs >= REMEMBER_MS) {
        const client = await current();
        const fault = faultOfDiagnosis(await client.diagnose(signal));
        if (fault?.kind === 'auth') forget(client);
        seen = { atMs: clock.now(), fault };
      }
      if (seen.fault !== null) throw seen.fault;
    },
    dav: async () => {
      const login = await credentials.read();
      const userName = login.webdavUserName ?? login.userName;
      const password = login.webdavPassword ?? login.password;
      if (userName === undefined || password === undefined) {
        const text = 'WebDAV takes no API token: give a WebDAV user and password as well';
        throw new Fault('auth', `${AREA}.dav_no_login`, text);
      }
      const { certificate, tls, address, webdav } = settings;
      const url = webdav ?? `${tls ? 'https' : 'http'}://${/:\d+$/.test(address) ? address : `${address}:19798`}/dav`;
      return {
        userName,
        client: davClient({ url, userName, password, ...(certificate === undefined ? {} : { certificate }) }),
      };
    },
  };
}

const REMEMBER_MS = 5_000;

/** The virtual folder of the item. A back-slash makes the server think of its root, so that its twin is sent. */
export function folderOf({ settings }: Pick<Link, 'settings'>, { folder }: Pick<Item, 'folder'>): string {
  const steps = `${settings.prefix}/${folder}`.split('/').filter((step) => step !== '');
  return `/${steps.map(nameThere).join('/')}`;
}

export function nameThere(name: string): string {
  return name.replaceAll('\\', '＼');
}

export function joined(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}

/** The same for each attempt of a transfer, so that an opening whose answer was lost leaves nothing behind. Ends as the file does. */
export function temporaryName({ transferId, name }: Pick<Item, 'transferId' | 'name'>): string {
  const extension = /\.[A-Za-z0-9]{1,16}$/.exec(name)?.[0] ?? '';
  return `.entrepot-${transferId}${extension}`;
}

const LOGIN_REFUSED: ReadonlySet<string> = new Set(['unauthenticated', 'bad_login'].map((code) => `${AREA}.${code}`));

/** What these were said of may be a server that is down, one that is silent, or a line in between. */
const UNANSWERED: ReadonlySet<string> = new Set(
  ['unavailable', 'no_answer', 'failed'].map((code) => `${AREA}.${code}`),
);

export function clientOf(settings: CloudDrive2Settings, login: CloudDrive2Login, clock: Clock): CloudDrive2Client {
  const { address, tls, certificate } = settings;
  return createCloudDrive2Client({
    address: {
      url: `${tls ? 'https' : 'http'}://${address}`,
      ...(certificate === undefined ? {} : { certificate }),
    },
    credentials: credentialsOf(login),
    time: clock,
  });
}

function credentialsOf({ apiToken, userName = '', password = '', totp }: CloudDrive2Login): Credentials {
  if (apiToken !== undefined) return { kind: 'token', token: apiToken };
  return { kind: 'account', userName, password, ...(totp === undefined ? {} : { totpSecret: totp }) };
}
