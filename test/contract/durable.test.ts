import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Cells } from '#core/ports/cells.ts';
import type { WorkTable } from '#core/ports/work-table.ts';
import { workerHome } from '../support/workerd.ts';
import { portIn } from '../support/workerd-port.ts';
import { cellsContract } from './cells.contract.ts';
import { expectFault } from './expect-fault.ts';
import { contract } from './suite.ts';
import { callLaws } from './work-table/calls.ts';
import { leaseLaws } from './work-table/leases.ts';
import { by, claimed, KEY, NEXT, NOW, newRow } from './work-table/rows.ts';
import { workTableContract } from './work-table.contract.ts';

const home = await workerHome({
  main: 'test/workerd/table.ts',
  durable_objects: {
    bindings: [
      { name: 'TABLE', class_name: 'Table' },
      { name: 'FALLING', class_name: 'FallingTable' },
    ],
  },
  migrations: [{ tag: 'v1', new_sqlite_classes: ['Table', 'FallingTable'] }],
});
let worker = await home.start();
afterAll(() => home.cleanup());

// The random sequences are as many of a hundred as this allows for: each command is two calls over a socket.
fc.configureGlobal({ interruptAfterTimeLimit: 5_000 });

/** Each call goes over a socket and into an object, on a machine that may be busy with other tests. */
const TIMEOUTS = { timeoutMs: 240_000 } as const;

let subjects = 0;
const table = (wire = 'good', subject = `${++subjects}`) =>
  portIn<WorkTable>(worker.url, `table over ${wire}`, subject);
const cells = (wire = 'good', subject = `${++subjects}`) => portIn<Cells>(worker.url, `cells over ${wire}`, subject);

workTableContract({ ...TIMEOUTS, name: 'durable object', make: () => ({ subject: table() }) });

cellsContract({ ...TIMEOUTS, name: 'durable object', make: () => ({ subject: cells() }) });

const losing = { ...TIMEOUTS, name: 'durable object that loses the first reply to every call' };

contract('work table', { ...leaseLaws, ...callLaws }, { ...losing, make: () => ({ subject: table('losses') }) });

cellsContract({ ...losing, make: () => ({ subject: cells('losses') }) });

describe('durable object that loses replies', () => {
  it('a row that was claimed before the repeat of its creation is its own all the same', async () => {
    const [subject, rival] = [table('a rival', 'contested'), table('good', 'contested')];
    expect(await subject.create(newRow(), NOW)).toBe('created');
    expect(await rival.get(KEY)).toMatchObject({ token: 1, hold: 'lease', holder: 'rival' });
  });

  it('a commit that was given up and arrives after a later one changes nothing', async () => {
    const subject = table('good', 'given up');
    await subject.create(newRow(), NOW);
    const { token } = await claimed(subject);
    const caller = portIn<{ commitTwice(...args: unknown[]): Promise<unknown> }>(
      worker.url,
      'caller over late',
      'given up',
    );
    const told = await caller.commitTwice(KEY, token, { ...NEXT, state: 'late' }, NEXT, NOW);
    expect(told).toEqual(['table.unavailable', true]);
    expect(await subject.get(KEY)).toMatchObject(NEXT);
  });

  it('a drop is done once and answers so', async () => {
    const subject = cells('losses');
    await subject.swap(KEY, 0, 'a');
    expect(await subject.drop(KEY, 1)).toBe(true);
    expect(await subject.drop(KEY, 1)).toBe(false);
  });
});

describe('durable object that falls over after every write', () => {
  it('a whole life of a row goes as if nothing were, and each write is done once', async () => {
    const subject = table('falls');
    expect(await subject.create(newRow({ owner: { id: 'o', sort: '1' } }), NOW)).toBe('created');
    expect(await claimed(subject)).toMatchObject({ token: 1, unclean: false });
    expect(await subject.touch(KEY, NOW, 'staging', NOW)).toBe(true);
    expect(await subject.commit(KEY, 1, NEXT, NOW)).toBe(true);
    expect(await subject.release(KEY, 1, { to: 'ended' }, NOW)).toBe(true);
    expect(await subject.revive(KEY, 1, { ...NEXT, queue: 'q', dueAt: NOW }, NOW)).toBe(true);
    expect(await subject.get(KEY)).toMatchObject({ token: 1, touched: 1, hold: 'wait', queue: 'q' });
    expect(await portIn<{ count(): Promise<number> }>(worker.url, 'lives', '').count()).toBe(1 + 7);
  });
});

describe('durable object', () => {
  it('holds rows and cells of one key apart', async () => {
    await table('good', 'both').create(newRow(), NOW);
    expect(await cells('good', 'both').read(KEY)).toBeNull();
    expect(await cells('good', 'both').swap(KEY, 0, 'value')).toBe(true);
    await table('good', 'both').remove(KEY);
    expect(await cells('good', 'both').read(KEY)).toMatchObject({ value: 'value' });
  });

  it('a row that the storage refuses is a fault that says nothing of what is in it', async () => {
    const subject = table();
    const broken = { ...newRow({ state: 'a-secret' }), phase: null };
    const fault = await expectFault('bug', 'table.refused', subject.create(broken as never, NOW));
    expect(fault.message).toContain('SQLITE_CONSTRAINT');
    expect(fault.message).not.toContain('a-secret');
    expect(await subject.get(KEY)).toBeNull();
  });

  it('what was answered is there after workerd was killed and started again, and its leases hold', async () => {
    const before = table('good', 'kept');
    await before.create(newRow({ owner: { id: 'o', sort: '1' } }), NOW);
    const { row } = await claimed(before);
    await cells('good', 'kept').swap(KEY, 0, 'value');
    await worker.stop('SIGKILL');
    worker = await home.start();
    const after = table('good', 'kept');
    expect(await after.get(KEY)).toEqual(row);
    expect(await after.owned('o', { limit: 1 })).toHaveLength(1);
    expect(await after.claim(KEY, by('boot/2'))).toBeNull();
    expect(await cells('good', 'kept').read(KEY)).toMatchObject({ v: 1, value: 'value' });
  });
});
