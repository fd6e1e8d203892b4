/**
 * The work table in DynamoDB: each write is one conditional write of one item. The SDK sends a write again when its reply does
 * not come; most conditions still hold then, and where they do not, the row tells by the id of the call whose work it is.
 */
import { randomBytes } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Claim, NewRow, RowKey, WorkTable } from '#core/ports/work-table.ts';
import { dynamoItems, type Items, type Write } from './items.ts';
import { dynamoLists } from './lists.ts';
import { placesOf, type Stored, toJson, toRow, toStored } from './rows.ts';
import {
  answering,
  type Claimant,
  claimAgain,
  claimFree,
  commitment,
  expiring,
  type Revival,
  releasing,
  renewal,
  reviving,
  touching,
  waking,
  wishing,
} from './writes.ts';

/**
 * One per process: a holder commits through the table that it claimed with. `purge` does nothing, since DynamoDB itself deletes
 * an expired row, some days late at worst. Faults: `throttled`, `transient`, `auth`; `bug` for a request that can never do.
 */
export function dynamoWorkTable(client: DynamoDBClient, tableName: string): WorkTable {
  const items = dynamoItems(client, tableName);
  let seq = 0;
  const win = async (key: RowKey, write: Write) => (await items.update(key, write)).won === 'yes';

  return {
    ...dynamoLists(items),
    get: async (key) => {
      const stored = await read(items, key);
      return stored === null ? null : toRow(stored);
    },
    create: (row, now) => create(items, row, now),
    claim: (key, by) => claim(items, key, by, ++seq),
    renew: (key, token, until, now) => win(key, renewal(token, until, now)),
    commit: (key, token, advance, now, guard = {}) => win(key, commitment(token, advance, now, ++seq, guard)),
    release: (key, token, release, now) => win(key, releasing(token, release, now)),
    wake: (key, at, now, from = 'wait') => win(key, waking(at, now, from)),
    wish: (key, wish, now) => win(key, wishing(wish, now)),
    answer: (key, answers, now) => win(key, answering(answers, now)),
    touch: (key, expiresAt, ifPhase, now) => touch(items, key, expiresAt, ifPhase, now),
    revive: (key, token, as, now) => revive(items, key, token, as, now),
    remove: async (key) => void (await items.remove(key)),
    expire: (key, at, now) => win(key, expiring(at, now)),
    purge: async () => [],
  };
}

async function read(items: Items, key: RowKey): Promise<Stored | null> {
  const item = await items.get(key);
  return item === null ? null : toStored(item);
}

async function create(items: Items, row: NewRow, now: number): Promise<'created' | 'exists'> {
  const { pk, sk, queue, dueAt, phase, state, expiresAt } = row;
  const call = newCall();
  const scalars = {
    pk,
    sk,
    ...(queue === null ? {} : { queue }),
    ...(dueAt === null ? {} : { dueAt }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...placesOf(row, now),
    hold: 'wait',
    token: 0,
    phase,
    state: toJson(state),
    touched: 0,
    updatedAt: now,
    lifeCall: call,
  };
  const { won } = await items.create(scalars, { answers: { M: {} } });
  const isOwn = won === 'yes' || (won === 'again' && (await read(items, row))?.lifeCall === call);
  return isOwn ? 'created' : 'exists';
}

async function revive(items: Items, key: RowKey, token: number, as: Revival, now: number): Promise<boolean> {
  const call = newCall();
  const { won } = await items.update(key, reviving(token, as, now, call));
  return won === 'yes' || (won === 'again' && (await read(items, key))?.lifeCall === call);
}

/** One write for a row that is free. Whoever lost reads, because it may hold the row already: then that lease goes on. */
async function claim(items: Items, key: RowKey, by: Claimant, seq: number): Promise<Claim | null> {
  const call = newCall();
  const first = await items.update(key, claimFree(by, call, seq));
  if (first.won === 'yes') return toClaim(toStored(first.item));
  const found = await read(items, key);
  if (found?.claimCall === call) return toClaim(found);
  if (found?.hold !== 'lease' || found.holder !== by.holder) return null;
  const second = await items.update(key, claimAgain(found.token, by, call, seq));
  if (second.won === 'yes') return toClaim(toStored(second.item));
  const left = second.won === 'again' ? await read(items, key) : null;
  return left?.claimCall === call ? toClaim(left) : null;
}

/** DynamoDB knows no maximum: the usual case moves the expiry, and a row that expires later is touched by a second write. */
async function touch(items: Items, key: RowKey, expiresAt: number, ifPhase: string, now: number): Promise<boolean> {
  const call = newCall();
  for (const expiry of ['moves', 'is later'] as const) {
    const { won } = await items.update(key, touching(expiry, expiresAt, ifPhase, now, call));
    if (won === 'yes') return true;
    const found = await read(items, key);
    if (found?.touchCall === call) return true;
    if (found?.phase !== ifPhase || found.expiresAt === undefined || found.expiresAt <= expiresAt) return false;
  }
  return false;
}

function toClaim(stored: Stored): Claim {
  return { row: toRow(stored), token: stored.token, unclean: stored.takenFrom === 'lease' };
}

/** 72 bits: no two calls in the life of one row are alike. */
function newCall(): string {
  return randomBytes(9).toString('base64url');
}
