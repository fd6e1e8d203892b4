/** What the suites of accounts and destinations are run on, over any store of cells. */
import { randomBytes } from 'node:crypto';
import { virtualClock } from '#adapters/memory/clock.ts';
import { sealedAccounts } from '#adapters/vault/accounts.ts';
import { cellDestinations } from '#adapters/vault/destinations.ts';
import { Sealed, sealKey } from '#adapters/vault/seal.ts';
import { limitedProvider } from '#core/limits/limited.ts';
import type { Cells } from '#core/ports/cells.ts';
import type { UnderWay } from '#core/ports/destinations.ts';
import { NO_STORE } from '../support/no-store.ts';
import type { AccountsRig } from './accounts.contract.ts';
import type { DestinationsRig } from './destinations.contract.ts';

const PK = 'ACCOUNT';
const key = sealKey(randomBytes(32));
const clock = virtualClock({ seed: 1, startMs: 1_750_000_000_000 });

export function accountsRig(cells: Cells): AccountsRig {
  const read = async (sk: string) => {
    const cell = await cells.read({ pk: PK, sk });
    return { v: cell?.v ?? 0, value: cell?.value };
  };
  return {
    accounts: () => sealedAccounts(cells, key),
    withAnotherKey: () => sealedAccounts(cells, sealKey(randomBytes(32))),
    stored: async () => JSON.stringify(await cells.list(PK, { limit: 100 })),
    copy: async (from, to) => {
      await cells.swap({ pk: PK, sk: to }, (await read(to)).v, (await read(from)).value);
    },
    damage: async (id) => {
      const { v, value } = await read(id);
      const sealed = Sealed.parse(value);
      const data = Buffer.from(sealed.data, 'base64');
      data.writeUInt8(data.readUInt8(0) ^ 1, 0);
      await cells.swap({ pk: PK, sk: id }, v, { ...sealed, data: data.toString('base64') });
    },
  };
}

export function destinationsRig(cells: Cells): DestinationsRig {
  let there: UnderWay = { unfinished: 0, begun: 0 };
  return {
    onItsWay: (now) => {
      there = now;
    },
    destinations: (kinds, place) =>
      cellDestinations({
        cells,
        accounts: sealedAccounts(cells, key),
        kinds,
        clock,
        staging: NO_STORE,
        underWay: async () => there,
        limit: limitedProvider,
        ...(place === undefined ? {} : { place }),
      }),
  };
}
