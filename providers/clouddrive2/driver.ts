/** The three ways as one destination that asks. */

import { Fault } from '#core/fault.ts';
import type { Connection } from '#core/ports/connection.ts';
import type { CheckReport, FileDigestAsk, Opening, ReadAsk, ServeProvider } from '#core/ports/provider.ts';
import { type Choice, choice } from './choice.ts';
import { AREA } from './faults.ts';
import { hub } from './hub.ts';
import { type Link, link } from './link.ts';
import { mountWay } from './mount.ts';
import { takenNames } from './names.ts';
import { patience } from './patience.ts';
import { puller } from './puller.ts';
import { remoteWay } from './remote.ts';
import { type CloudDrive2Session, partsOfRemoteId } from './session.ts';
import type { CloudDrive2Login, CloudDrive2Settings, WayName } from './settings.ts';
import type { Way } from './way.ts';
import { webdavWay } from './webdav.ts';

export type Driver = Pick<
  ServeProvider<CloudDrive2Session>,
  'open' | 'inspect' | 'discard' | 'check' | 'asks' | 'attach' | 'detach' | 'answer' | 'hold'
>;

export function driver(connection: Connection<CloudDrive2Settings, CloudDrive2Login>): Driver {
  const to = link(connection);
  const shared = { link: to, taken: takenNames(), waiting: patience(to.clock) };
  const pulls = puller((ask) => asking.tell(ask));
  const remote = remoteWay({ ...shared, needChannel: () => asking.needChannel() });
  const asking = hub({
    channel: (signal) => to.stream((client) => client.remoteUploadChannel(to.deviceId, signal), signal),
    isChannelNeeded: remote.isServing,
    heard: remote.heard,
    outstanding: pulls.outstanding,
  });
  // Each way is given only sessions of its own, by `of`.
  const ways: Readonly<Record<WayName, Way>> = {
    remote,
    mount: mountWay({ ...shared, pulls }),
    webdav: webdavWay({ ...shared, pulls }),
  };
  const of = ({ way }: CloudDrive2Session): Way => ways[way];
  const chosen = choice(
    to.settings.order.map((name) => ways[name]),
    to.clock,
  );

  return {
    open: async (item, { signal }) => opened(await chosen.begin(item, signal)),
    attach: (session, item, { signal }) => of(session).attach(session, item, signal),
    detach: (session) => of(session).detach(session),
    asks: ({ signal }) => asking.asks(signal),
    answer: async (ask, answer, { signal }) => wayOf(ask, ways).answer(ask, answer, signal),
    hold: (session, _item, what, { signal }) => of(session).hold(session, what, signal),
    inspect: (session, item, { signal }) => of(session).inspect(session, item, signal),
    discard: (session, item, { signal }) => of(session).discard(session, item, signal),
    check: ({ signal }) => check(to, chosen, signal),
  };
}

function opened(session: CloudDrive2Session): Opening<CloudDrive2Session> {
  const short = (code: string) => code.slice(code.indexOf('.') + 1);
  const passed = session.passed.map(({ way, code }) => `passed.${way}.${short(code)}`.slice(0, 64));
  return { kind: 'ready', session, notes: [...passed, `way.${session.way}`] };
}

function wayOf({ remoteId }: ReadAsk | FileDigestAsk, ways: Readonly<Record<WayName, Way>>): Way {
  const parts = partsOfRemoteId(remoteId);
  if (parts !== null) return ways[parts.way];
  throw new Fault('bug', `${AREA}.alien_ask`, 'an ask came back that was never asked');
}

const WORDS: Readonly<Record<WayName, string>> = { mount: 'mount', remote: 'remote upload', webdav: 'WebDAV' };

async function check(to: Link, chosen: Choice, signal: AbortSignal): Promise<CheckReport> {
  const { open, closed } = await chosen.survey(signal);
  const version = await told(to, signal, (client) => client.serverVersion(signal));
  const space =
    to.settings.prefix === '/' ? null : await told(to, signal, (client) => client.fsSpace(to.settings.prefix, signal));
  const message = [
    `CloudDrive2${version === null ? '' : ` ${version}`} takes files by ${open.map((way) => WORDS[way]).join(', then by ')}`,
    ...closed.map(({ way, fault }) => `not by ${WORDS[way]}: ${fault.message}`),
  ].join('; ');
  return { message: message.slice(0, 600), ...(space === null ? {} : { freeBytes: space.freeBytes }) };
}

/** What is nice to know, and no reason to refuse files when it is not told. */
async function told<T>(to: Link, signal: AbortSignal, ask: Parameters<typeof to.call<T>>[0]): Promise<T | null> {
  try {
    return await to.call(ask, signal);
  } catch (error) {
    if (error instanceof Fault) return null;
    throw error;
  }
}
