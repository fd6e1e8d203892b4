/** Two processes, each with a connection of its own to one table, and one account of 115 between them. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { sqliteCells } from '#adapters/sqlite/cells.ts';
import { openDatabase } from '#adapters/sqlite/open.ts';
import { systemClock } from '#adapters/system/clock.ts';
import { sealedAccounts } from '#adapters/vault/accounts.ts';
import { cellDestinations } from '#adapters/vault/destinations.ts';
import { sealKey } from '#adapters/vault/seal.ts';
import type { Destinations } from '#core/ports/destinations.ts';
import type { Provider } from '#core/ports/provider.ts';
import { pan115Kind } from '#providers/pan115/provider.ts';
import { expectFault } from '../../contract/expect-fault.ts';
import { ctx } from '../../contract/push-rig.ts';
import { temporaryFolder } from '../../contract/sqlite/folder.ts';
import { newPair } from '../../fakes/pan115/passport.ts';
import { type Fake115, startFake115 } from '../../fakes/pan115/server.ts';
import { NO_STORE, nothing } from '../../support/no-store.ts';

const INFO = '/open/user/info';

async function twoProcesses(account: 'good' | 'due for renewal') {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const fake = await startFake115();
  onTestFinished(() => fake.close());
  const key = sealKey(randomBytes(32));
  const process = (): Destinations => {
    const database = openDatabase(join(folder.path, 'state.db'));
    onTestFinished(() => database.close());
    const cells = sqliteCells(database);
    const accounts = sealedAccounts(cells, key);
    return cellDestinations({
      cells,
      accounts,
      kinds: [pan115Kind],
      clock: systemClock(),
      staging: NO_STORE,
      underWay: nothing,
    });
  };
  const all = [process(), process()];
  const { api, passport, upload, web } = fake.urls;
  const pair = newPair(fake.world);
  await all[0]?.create({
    id: 'pan',
    provider: 'pan115',
    settings: { endpoints: { api, passport, upload, web } },
    credentials: {
      accessToken: pair.access_token,
      refreshToken: pair.refresh_token,
      expiresAtMs: account === 'good' ? Date.now() + 7_200_000 : 0,
    },
  });
  const providers = await Promise.all(all.map((one) => one.provider('pan')));
  return { fake, providers, fresh: () => process().provider('pan') };
}

const asked = ({ log }: Fake115, path: string) => log.filter((name) => name.endsWith(path)).length;
const check = (provider: Provider | undefined) => provider?.check(ctx) ?? Promise.reject(new Error('no provider'));

test('two processes whose login is due ask for one renewal, and both go on', async () => {
  const { fake, providers, fresh } = await twoProcesses('due for renewal');
  await Promise.all(providers.map(check));
  expect(asked(fake, 'refreshToken')).toBe(1);
  expect(asked(fake, INFO)).toBe(2);
  await check(await fresh());
  expect(asked(fake, 'refreshToken')).toBe(1);
});

test('770004 to one process silences the other, and one that starts afterwards', async () => {
  const { fake, providers, fresh } = await twoProcesses('good');
  fake.misbehave(INFO, 'limited');
  await expectFault('throttled', 'pan115.limited', check(providers[0]));
  await expectFault('throttled', 'pan115.limited', check(providers[1]));
  await expectFault('throttled', 'pan115.limited', check(await fresh()));
  expect(asked(fake, INFO)).toBe(1);
});
