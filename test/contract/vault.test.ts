import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { memoryCells } from '#adapters/memory/cells.ts';
import { virtualClock } from '#adapters/memory/clock.ts';
import { sqliteCells } from '#adapters/sqlite/cells.ts';
import { openDatabase } from '#adapters/sqlite/open.ts';
import { sealedAccounts } from '#adapters/vault/accounts.ts';
import { cellDestinations } from '#adapters/vault/destinations.ts';
import { sealKey } from '#adapters/vault/seal.ts';
import type { Cells } from '#core/ports/cells.ts';
import { providerKinds } from '#providers/index.ts';
import { NO_STORE } from '../support/no-store.ts';
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
    const destinations = cellDestinations({ cells, accounts, kinds: providerKinds, clock, staging: NO_STORE });
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
  const destinations = cellDestinations({ cells, accounts, kinds: providerKinds, clock, staging: NO_STORE });
  expect(await destinations.get('nas')).toMatchObject({ placement: { on: 'here' } });
  expect((await destinations.provider('nas')).id).toBe('folder');
});

describe('provider kinds', () => {
  it.each(providerKinds.map((kind) => [kind.id, kind] as const))('%s: ids are unique', (id) => {
    expect(providerKinds.filter((kind) => kind.id === id)).toHaveLength(1);
  });
});

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
