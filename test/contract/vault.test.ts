import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { memoryCells } from '#adapters/memory/cells.ts';
import { virtualClock } from '#adapters/memory/clock.ts';
import { sqliteCells } from '#adapters/sqlite/cells.ts';
import { openDatabase } from '#adapters/sqlite/open.ts';
import { sealedAccounts } from '#adapters/vault/accounts.ts';
import { cellDestinations } from '#adapters/vault/destinations.ts';
import { sealKey } from '#adapters/vault/seal.ts';
import type { Cells } from '#core/ports/cells.ts';
import { providerKinds } from '#providers/index.ts';
import { NO_STORE, nothing } from '../support/no-store.ts';
import { accountsContract } from './accounts.contract.ts';
import { destinationsContract } from './destinations.contract.ts';
import { temporaryFolder } from './sqlite/folder.ts';
import type { Made } from './suite.ts';
import { accountsRig, destinationsRig } from './vault-rigs.ts';

const key = sealKey(randomBytes(32));
const clock = virtualClock({ seed: 1, startMs: 1_750_000_000_000 });

accountsContract({ name: 'sealed cells in memory', make: () => ({ subject: accountsRig(memoryCells()) }) });
accountsContract({ name: 'sealed cells in sqlite', make: () => onDisk(accountsRig) });
destinationsContract({ name: 'cells in memory', make: () => ({ subject: destinationsRig(memoryCells()) }) });
destinationsContract({ name: 'cells in sqlite', make: () => onDisk(destinationsRig) });

describe('vault over a table whose replies get lost', () => {
  it('every write answers as if its reply had come', async () => {
    const cells = losingReplies(memoryCells());
    const accounts = sealedAccounts(cells, key);
    const destinations = cellDestinations({
      cells,
      accounts,
      kinds: providerKinds,
      clock,
      staging: NO_STORE,
      underWay: nothing,
    });
    await accounts.store('pan', { token: 1 });
    const version = (await accounts.read('pan'))?.version ?? 0;
    expect(await accounts.rotate('pan', version, { token: 2 })).toBe('stored');
    expect(await destinations.create({ id: 'nas', provider: 'folder', settings: { root: '/a' } })).toMatchObject({
      settings: { root: '/a', onConflict: 'rename' },
    });
    expect(await destinations.change('nas', { settings: { root: '/b' } })).toMatchObject({ settings: { root: '/b' } });
    expect(await destinations.remove('nas')).toBe(true);
    expect(await destinations.get('nas')).toBeNull();
  });
});

it('a destination of the time before there were agents is driven here', async () => {
  const cells = memoryCells();
  const before = { provider: 'folder', settings: { root: '/a' }, hasCredentials: false, createdAt: 1, mark: 'm' };
  await cells.swap({ pk: 'DEST', sk: 'nas' }, 0, before);
  const accounts = sealedAccounts(cells, key);
  const destinations = cellDestinations({
    cells,
    accounts,
    kinds: providerKinds,
    clock,
    staging: NO_STORE,
    underWay: nothing,
  });
  expect(await destinations.get('nas')).toMatchObject({ placement: { on: 'here' } });
  expect((await destinations.provider('nas')).id).toBe('folder');
});

describe('provider kinds', () => {
  it.each(providerKinds.map((kind) => [kind.id, kind] as const))('%s: ids are unique', (id) => {
    expect(providerKinds.filter((kind) => kind.id === id)).toHaveLength(1);
  });

  it.each(providerKinds.map((kind) => [kind.id, kind] as const))(
    '%s: each setting names the place, or it does not',
    (id, kind) => {
      // A new setting has to be put on one side.
      const known = [...kind.siteSettings, ...(FREE_SETTINGS[id] ?? [])];
      expect(Object.keys(Shape.parse(kind.settings).shape).toSorted()).toEqual(known.toSorted());
    },
  );

  it('of a login the account is told where it can be read, and of all others none', () => {
    const account = (id: string, credentials: unknown) =>
      providerKinds.find((kind) => kind.id === id)?.account(credentials);
    const cookie = (user: string) => ({ cookie: `CID=c; UID=${user}_A1_17; SEID=s` });
    expect([account('pan115', cookie('4711')), account('pan115', cookie('12'))]).toEqual(['4711', '12']);
    expect(account('pan115', { accessToken: 'a', refreshToken: 'r' })).toBeNull();
    const cookies = 'SESSDATA=a; bili_jct=b';
    expect(account('bilibili', { cookies: `${cookies}; DedeUserID=42` })).toBe('42');
    expect(account('bilibili', { cookies })).toBeNull();
    expect(account('s3', { accessKeyId: 'k', secretAccessKey: 's' })).toBeNull();
    expect(account('folder', {})).toBeNull();
    expect(account('pan115', 'nonsense')).toBeNull();
  });
});

/** With others of these a file that was begun is finished in the same place. */
const FREE_SETTINGS: Readonly<Record<string, readonly string[]>> = {
  folder: ['onConflict'],
  s3: ['forcePathStyle', 'onConflict', 'copy', 'partBytes'],
  oss: ['forcePathStyle', 'onConflict', 'copy'],
  pan115: ['clientId', 'onConflict', 'requestsPerSecond', 'allowCookie', 'formBytesMax'],
  clouddrive2: ['tls', 'certificate', 'order', 'onConflict'],
  bilibili: [
    ...['tid', 'tags', 'copyright', 'source', 'title', 'desc', 'join', 'cover', 'onlySelf', 'noReprint', 'publish'],
    ...['line', 'profile', 'submissionsPerHour', 'spacingSeconds', 'partTimeoutSeconds'],
  ],
};

/** Of a schema of settings. */
const Shape = z.object({ shape: z.record(z.string(), z.unknown()) });

async function onDisk<Subject>(make: (cells: Cells) => Subject): Promise<Made<Subject>> {
  const folder = await temporaryFolder();
  const db = openDatabase(join(folder.path, 'state.db'));
  const cleanup = async () => {
    db.close();
    await folder[Symbol.asyncDispose]();
  };
  return { subject: make(sqliteCells(db)), cleanup };
}

/** Each write is done, and answered like the repeat that a client sends when the first reply does not come. */
function losingReplies(cells: Cells): Cells {
  return {
    ...cells,
    swap: async (at, v, value) => {
      await cells.swap(at, v, value);
      return cells.swap(at, v, value);
    },
    drop: async (at, v) => {
      await cells.drop(at, v);
      return cells.drop(at, v);
    },
  };
}
