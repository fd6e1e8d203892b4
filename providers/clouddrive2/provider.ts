/** A CloudDrive2 server and the clouds behind it. README.md says what it promises and what it cannot. */
import type { Connection } from '#core/ports/connection.ts';
import { providerKind } from '#core/ports/connection.ts';
import { serveProvider } from '#core/ports/provider.ts';
import type { Driver } from './driver.ts';
import { CloudDrive2Session, remoteIdOf } from './session.ts';
import { CloudDrive2Login, CloudDrive2Settings } from './settings.ts';

export const cloudDrive2Kind = providerKind<CloudDrive2Settings, CloudDrive2Login>({
  id: 'clouddrive2',
  settings: CloudDrive2Settings,
  credentials: CloudDrive2Login,
  siteSettings: ['address', 'prefix', 'mountRoot', 'webdav'],
  connect: (connection) => {
    const driver = loading(connection);
    return serveProvider(CloudDrive2Session, {
      id: 'clouddrive2',
      needs: [],
      instant: 'by-digest',
      remoteId: remoteIdOf,
      open: async (item, ctx) => (await driver()).open(item, ctx),
      asks: async function* (ctx) {
        yield* (await driver()).asks(ctx);
      },
      attach: async (session, item, ctx) => (await driver()).attach(session, item, ctx),
      detach: (session) => void driver().then((one) => one.detach(session)),
      answer: async (ask, answer, ctx) => (await driver()).answer(ask, answer, ctx),
      hold: async (session, item, what, ctx) => (await driver()).hold(session, item, what, ctx),
      inspect: async (session, item, ctx) => (await driver()).inspect(session, item, ctx),
      discard: async (session, item, ctx) => (await driver()).discard(session, item, ctx),
      check: async (ctx) => (await driver()).check(ctx),
    });
  },
});

/** Loaded on first use: it brings gRPC along, which whoever merely imports the list of providers does not need. */
function loading(connection: Connection<CloudDrive2Settings, CloudDrive2Login>): () => Promise<Driver> {
  let loaded: Promise<Driver> | null = null;
  return () => {
    loaded ??= import('./driver.ts').then(({ driver }) => driver(connection));
    return loaded;
  };
}
