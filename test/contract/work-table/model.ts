/** The laws of the work table once more, as small as they get, and random command sequences that compare an adapter with them. */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { CommitGuard, Release, RowKey, WorkRow, WorkTable } from '#core/ports/work-table.ts';
import type { Laws } from '../suite.ts';

type Verb =
  | 'create'
  | 'claim'
  | 'renew'
  | 'commit'
  | 'release'
  | 'wake'
  | 'wish'
  | 'answer'
  | 'touch'
  | 'revive'
  | 'remove';

/** Every command carries every argument; a verb takes what it needs. Times are small, so that they meet. */
interface Command {
  readonly verb: Verb;
  readonly row: number;
  readonly holder: string;
  /** How far the token lies behind the row's: mostly not at all. */
  readonly behind: number;
  readonly passes: number;
  readonly at: number;
  readonly phase: string;
  readonly word: string;
  readonly wish: 'pause' | 'cancel' | null;
  readonly from: 'wait' | 'rest';
  readonly to: Release['to'];
  readonly guard: CommitGuard;
  readonly advances: 'yes' | 'no';
}

interface ModelRow extends WorkRow {
  readonly sort: string;
  readonly unclean: boolean;
}

type Model = Map<number, ModelRow>;

const UNTIL_MS = 4;

const commands = fc.record<Command>({
  verb: fc.constantFrom(
    ...(['create', 'create', 'claim', 'claim', 'claim', 'renew', 'commit', 'commit', 'release', 'release'] as const),
    ...(['wake', 'wish', 'answer', 'touch', 'revive', 'revive', 'remove'] as const),
  ),
  row: fc.integer({ min: 0, max: 2 }),
  holder: fc.constantFrom('a/1', 'a/2', 'b/1'),
  behind: fc.constantFrom(0, 0, 0, 0, 1),
  passes: fc.integer({ min: 0, max: 3 }),
  at: fc.integer({ min: 0, max: 60 }),
  phase: fc.constantFrom('staging', 'moving', 'finishing'),
  word: fc.string({ unit: 'grapheme', maxLength: 4 }),
  wish: fc.constantFrom('pause', 'pause', 'cancel', null),
  from: fc.constantFrom('wait', 'rest'),
  to: fc.constantFrom('wait', 'wait', 'rest', 'parked', 'ended'),
  guard: fc.constantFrom<CommitGuard>({}, { unlessWish: 'cancel' }, { unlessWish: 'pause' }, { ifTouched: 1 }),
  advances: fc.constantFrom('yes', 'no'),
});

export const modelLaws: Laws<WorkTable> = {
  'random commands end in the rows and answers of the model': async (table) => {
    let run = 0;
    const property = fc.asyncProperty(fc.array(commands, { minLength: 10, maxLength: 60 }), async (sequence) => {
      const prefix = `run${++run}`;
      const model: Model = new Map();
      let now = 0;
      for (const command of sequence) {
        now += command.passes;
        const key = { pk: `${prefix}#${command.row}`, sk: '@' };
        const before = model.get(command.row);
        const token = (before?.token ?? 0) - command.behind;
        expect(await perform(table, key, command, token, now)).toEqual(decide(model, key, command, token, now));
        expect(await table.get(key)).toEqual(shown(model.get(command.row)));
        expect(await table.due(prefix, now, 10)).toEqual(dueOf(model, now));
        expect((await table.owned(prefix, { limit: 10 })).map(({ row }) => row.pk)).toEqual(ownedOf(model));
      }
      for (const row of [0, 1, 2]) await table.remove({ pk: `${prefix}#${row}`, sk: '@' });
    });
    await fc.assert(property, { numRuns: 100 });
  },
};

const ownQueue = (key: RowKey) => key.pk.slice(0, key.pk.indexOf('#'));
const advance = ({ phase, word }: Command) => ({ phase, state: { word } });

function releaseOf(command: Command): Release {
  const more = command.advances === 'yes' ? { advance: advance(command) } : {};
  const { to, at } = command;
  return to === 'wait' || to === 'rest' ? { to, dueAt: at, ...more } : { to, ...more };
}

async function perform(table: WorkTable, key: RowKey, command: Command, token: number, now: number): Promise<unknown> {
  const { verb, holder, at, phase, word, wish, from, guard } = command;
  const queue = ownQueue(key);
  switch (verb) {
    case 'create':
      return table.create({ ...key, queue, dueAt: at, ...advance(command), owner: { id: queue, sort: `${at}` } }, now);
    case 'claim': {
      const claim = await table.claim(key, { holder, now, until: now + UNTIL_MS });
      return claim && { token: claim.token, unclean: claim.unclean, row: claim.row };
    }
    case 'renew':
      return table.renew(key, token, at, now);
    case 'commit':
      return table.commit(key, token, advance(command), now, guard);
    case 'release':
      return table.release(key, token, releaseOf(command), now);
    case 'wake':
      return table.wake(key, at, now, from);
    case 'wish':
      return table.wish(key, wish, now);
    case 'answer':
      return table.answer(key, { [word]: phase }, now);
    case 'touch':
      return table.touch(key, at, phase, now);
    case 'revive':
      return table.revive(key, token, { ...advance(command), queue, dueAt: at }, now);
    case 'remove':
      return table.remove(key);
  }
}

/** The command on the model: what the table must answer, and the row that it must leave. */
function decide(model: Model, key: RowKey, command: Command, token: number, now: number): unknown {
  const row = model.get(command.row);
  if (command.verb === 'remove') return void model.delete(command.row);
  if (command.verb === 'create') {
    if (row === undefined) model.set(command.row, created(key, command, now));
    return row === undefined ? 'created' : 'exists';
  }
  const change = row === undefined ? null : changeOf(row, command, token, now);
  if (row === undefined || change === null) return command.verb === 'claim' ? null : false;
  const after = { ...row, ...change, updatedAt: now };
  model.set(command.row, after);
  return command.verb === 'claim' ? { token: after.token, unclean: after.unclean, row: shown(after) } : true;
}

function created(key: RowKey, command: Command, now: number): ModelRow {
  const work = {
    queue: ownQueue(key),
    dueAt: command.at,
    hold: 'wait',
    token: 0,
    holder: null,
    unclean: false,
  } as const;
  const api = { wish: null, answers: {}, touched: 0, expiresAt: null };
  return { ...key, ...work, ...advance(command), ...api, updatedAt: now, sort: `${command.at}` };
}

function changeOf(row: ModelRow, command: Command, token: number, now: number): Partial<ModelRow> | null {
  const { holder, at, phase, word, wish, from, guard } = command;
  const isWorking = row.queue !== null;
  const isHeld = row.token === token && row.hold === 'lease';
  switch (command.verb) {
    case 'claim': {
      const isOwn = row.hold === 'lease' && row.holder === holder;
      const isDue = row.dueAt !== null && row.dueAt <= now;
      if (!isWorking || row.dueAt === null || !(row.hold === 'wait' || isDue || isOwn)) return null;
      const unclean = isOwn && !isDue ? row.unclean : row.hold === 'lease';
      return { hold: 'lease', token: row.token + 1, holder, dueAt: now + UNTIL_MS, unclean };
    }
    case 'renew':
      return isHeld ? { dueAt: at } : null;
    case 'commit': {
      const isBarred = guard.unlessWish !== undefined && guard.unlessWish === row.wish;
      const isTouched = guard.ifTouched !== undefined && guard.ifTouched !== row.touched;
      return isHeld && !isBarred && !isTouched ? advance(command) : null;
    }
    case 'release': {
      const release = releaseOf(command);
      const queue = release.to === 'ended' ? null : row.queue;
      const left = {
        hold: release.to === 'rest' ? 'rest' : 'wait',
        queue,
        dueAt: 'dueAt' in release ? at : null,
      } as const;
      const change = { ...left, ...release.advance, holder: null };
      const isRepeat = (release.to !== 'ended') === isWorking && isUnchanged(row, change);
      return isHeld || (row.token === token && isRepeat) ? change : null;
    }
    case 'wake': {
      const mayWake = isWorking && (row.hold === 'wait' || row.hold === from);
      return mayWake && (row.dueAt ?? at) >= at ? { dueAt: at, hold: 'wait' } : null;
    }
    case 'wish':
      return isWorking && row.phase !== 'finishing' && (row.wish !== 'cancel' || wish === 'cancel') ? { wish } : null;
    case 'answer':
      return { answers: { ...row.answers, [word]: phase } };
    case 'touch':
      return row.phase === phase ? { touched: row.touched + 1, expiresAt: Math.max(row.expiresAt ?? 0, at) } : null;
    case 'revive': {
      const change = { ...advance(command), queue: ownQueue(row), hold: 'wait', dueAt: at } as const;
      return row.token === token && (!isWorking || isUnchanged(row, change)) ? change : null;
    }
    default:
      return null;
  }
}

/** A call that finds everything as it would leave it is a repeat of one that won. */
function isUnchanged(row: ModelRow, change: Partial<ModelRow>): boolean {
  return JSON.stringify({ ...row, ...change }) === JSON.stringify(row);
}

function shown(row: ModelRow | undefined): WorkRow | null {
  if (row === undefined) return null;
  const { unclean: _unclean, sort: _sort, ...rest } = row;
  return rest;
}

function dueOf(model: Model, now: number): readonly RowKey[] {
  return [...model.values()]
    .flatMap(({ pk, sk, queue, dueAt }) =>
      queue !== null && dueAt !== null && dueAt <= now ? [{ pk, sk, dueAt }] : [],
    )
    .sort((a, b) => a.dueAt - b.dueAt || (a.pk < b.pk ? -1 : 1))
    .map(({ pk, sk }) => ({ pk, sk }));
}

function ownedOf(model: Model): readonly string[] {
  const place = ({ queue, sort, pk }: ModelRow) => `${queue === null ? 0 : 1}#${sort}#${pk}`;
  return [...model.values()].sort((a, b) => (place(a) < place(b) ? 1 : -1)).map(({ pk }) => pk);
}
