/**
 * Cells in the table of the work rows, under keys of their own: a prefix keeps the two apart where they share a pk. Each write is
 * one conditional write of one item.
 */
import { randomBytes } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import type { Cell, Cells } from '#core/ports/cells.ts';
import type { RowKey } from '#core/ports/work-table.ts';
import { dynamoItems, type Item } from './items.ts';
import { itemsUnder } from './lists.ts';

const PREFIX = 'cell#';

const Stored = z.object({
  pk: z.string(),
  sk: z.string(),
  v: z.number(),
  value: z.string(),
  /** The call that wrote it: by this a swap whose reply was lost knows its own work. */
  call: z.string(),
});

/**
 * A swap that the SDK had to send twice answers rightly, unless another followed it at once. A drop that it had to send twice
 * answers false, since nothing is left that would tell whose it was. Faults as those of the work table.
 */
export function dynamoCells(client: DynamoDBClient, tableName: string): Cells {
  const items = dynamoItems(client, tableName);

  return {
    read: async (key) => {
      const item = await items.get(keyOf(key));
      return item === null ? null : toCell(toStored(item));
    },
    swap: async (key, v, value) => {
      const call = randomBytes(9).toString('base64url');
      const json = JSON.stringify(value ?? null);
      const { won } =
        v === 0
          ? await items.create({ ...keyOf(key), v: 1, value: json, call })
          : await items.update(keyOf(key), {
              set: '#v = :next, #value = :json, #call = :call',
              if: '#v = :v',
              values: { v, next: v + 1, json, call },
            });
      if (won !== 'again') return won === 'yes';
      const item = await items.get(keyOf(key));
      return item !== null && toStored(item).call === call;
    },
    drop: async (key, v) => (await items.remove(keyOf(key), { if: '#v = :v', values: { v } })).won === 'yes',
    list: async (pk, page) => (await itemsUnder(items, PREFIX + pk, '', page)).map((item) => toCell(toStored(item))),
  };
}

function keyOf({ pk, sk }: RowKey): RowKey {
  return { pk: PREFIX + pk, sk };
}

/** Fault `bug` `table.cell`: somebody else writes to this table. */
function toStored(item: Item): z.infer<typeof Stored> {
  const parsed = Stored.safeParse(item);
  if (!parsed.success) throw new Fault('bug', 'table.cell', 'the table holds a cell that is none of ours');
  return parsed.data;
}

function toCell({ pk, sk, v, value }: z.infer<typeof Stored>): Cell {
  return { pk: pk.slice(PREFIX.length), sk, v, value: JSON.parse(value) };
}
