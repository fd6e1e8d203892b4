/** Arrivals that nothing tells of: found by looking, and then the same as told. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Fault } from '#core/fault.ts';
import { announce } from '#core/intake/announce.ts';
import { type ChunkWatch, chunkWatch } from '#core/intake/chunk-watch.ts';
import { inboxWalk } from '#core/intake/inbox-walk.ts';
import type { Intake } from '#core/intake/intake.ts';
import { receive } from '#core/intake/receive.ts';
import { signChunks } from '#core/intake/tickets.ts';
import type { UploadState } from '#core/state.ts';
import { chunkKey } from '#core/wire/keys.ts';
import { CreateUpload } from '#core/wire/upload.ts';
import { type ApiRig, apiRig, CHUNK_BYTES } from '../api/rig.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

let rig: ApiRig;
let listed: string[];
let watch: ChunkWatch;
let isAway: boolean;

beforeEach(async () => {
  rig = await apiRig();
  listed = [];
  isAway = false;
  watch = chunkWatch(asked());
});
afterEach(() => rig[Symbol.asyncDispose]());

/** The rig's, with every LIST noted: the key it began behind. */
function asked(): Intake {
  const { source } = rig.intake;
  return {
    ...rig.intake,
    source: {
      ...source,
      stat: (key) => source.stat(key),
      list: async (query) => {
        listed.push(query.after ?? query.prefix);
        if (isAway) throw new Fault('transient', 'staging.unavailable', 'the bucket is away');
        return source.list(query);
      },
    },
  };
}

async function announced(chunks: number, name = 'file.bin'): Promise<UploadState> {
  const sizeBytes = (chunks - 1) * CHUNK_BYTES + 5;
  const request = CreateUpload.parse({ name, sizeBytes, destinations: [{ id: 'folder' }] });
  return announce(watch.intake, { ownerId: 'local', request });
}
async function stage(upload: UploadState, ...numbers: readonly number[]): Promise<void> {
  const tickets = await signChunks(watch.intake, upload, numbers);
  for (const ticket of tickets) rig.put(ticket, new Uint8Array(ticket.sizeBytes).fill(ticket.number));
}
const sentSince = (before: number) => rig.dispatcher.sent().slice(before);

describe('chunks', () => {
  it('nothing is asked while no ticket is out', async () => {
    const upload = await announced(2);
    rig.jump(MINUTE_MS);
    expect(await watch.look()).toBe(0);
    expect(listed).toEqual([]);
    await signChunks(watch.intake, upload, [1]);
    expect(await watch.look()).toBe(0);
    expect(listed).toEqual([]);
    rig.jump(SECOND_MS);
    await watch.look();
    expect(listed).toEqual([chunkKey(upload.uploadId, 0)]);
  });

  it('what is found has the effect of its event, once', async () => {
    const upload = await announced(3);
    await rig.settle();
    await stage(upload, 2, 1);
    rig.jump(SECOND_MS);
    const before = rig.dispatcher.sent().length;
    expect(await watch.look()).toBe(2);
    const found = sentSince(before);
    const told = rig.dispatcher.sent().length;
    await receive(rig.intake, [chunkKey(upload.uploadId, 1), chunkKey(upload.uploadId, 2)]);
    expect(found).toEqual(sentSince(told));
    expect(found).toHaveLength(1);
    const staged = rig.rumours.filter((rumour) => rumour.kind === 'staged');
    expect(staged[0]).toEqual(staged[1]);
    rig.jump(MINUTE_MS);
    expect(await watch.look()).toBe(0);
  });

  it('a LIST begins behind the chunks without a gap, and sees those that fill one', async () => {
    const upload = await announced(6);
    await stage(upload, 1, 2, 4, 5);
    rig.jump(SECOND_MS);
    expect(await watch.look()).toBe(4);
    await stage(upload, 3);
    rig.jump(SECOND_MS);
    expect(await watch.look()).toBe(1);
    await signChunks(watch.intake, upload, [6]);
    rig.jump(SECOND_MS);
    await watch.look();
    expect(listed).toEqual([0, 2, 5].map((number) => chunkKey(upload.uploadId, number)));
  });

  it('an upload that is staged as a whole, or given up, is asked no more', async () => {
    const canceled = await announced(2, 'other.bin');
    await signChunks(watch.intake, canceled, [1]);
    await rig.call('DELETE', `/api/v1/uploads/${canceled.uploadId}`);
    await rig.settle();
    const whole = await announced(2);
    await stage(whole, 1, 2);
    expect(watch.size()).toBe(2);
    rig.jump(SECOND_MS);
    await watch.look();
    expect(watch.size()).toBe(0);
    expect(listed).toEqual([chunkKey(whole.uploadId, 0)]);
    await rig.settle();
    expect(await readdir(rig.root)).toEqual(['file.bin']);
  });

  it('the longer nothing comes, the less it is asked: at most every ten seconds, and not when no ticket can be good', async () => {
    const upload = await announced(2);
    await signChunks(watch.intake, upload, [1]);
    const looksWithin = async (ms: number) => {
      const before = listed.length;
      for (let at = 0; at < ms; at += SECOND_MS) {
        rig.jump(SECOND_MS);
        await watch.look();
      }
      return listed.length - before;
    };
    expect(await looksWithin(8 * SECOND_MS)).toBeGreaterThanOrEqual(7);
    await looksWithin(2 * MINUTE_MS);
    expect(await looksWithin(MINUTE_MS)).toBeLessThanOrEqual(6);
    await looksWithin(28 * MINUTE_MS);
    expect(watch.size()).toBe(0);
    expect(await looksWithin(MINUTE_MS)).toBe(0);
  });

  it('is found though its client asks for a ticket all the time', async () => {
    const upload = await announced(5);
    let found = 0;
    for (const number of [1, 2, 3, 4]) {
      await stage(upload, number);
      rig.jump(SECOND_MS / 2);
      found += await watch.look();
    }
    expect(found).toBeGreaterThanOrEqual(2);
  });

  it('a bucket that is away is left alone for ten seconds, and then everything is found', async () => {
    const uploads = [await announced(1, 'a.bin'), await announced(1, 'b.bin')];
    for (const upload of uploads) await stage(upload, 1);
    isAway = true;
    rig.jump(SECOND_MS);
    await expect(watch.look()).rejects.toMatchObject({ code: 'staging.unavailable' });
    const tried = listed.length;
    rig.jump(9 * SECOND_MS);
    expect(await watch.look()).toBe(0);
    expect(listed).toHaveLength(tried);
    isAway = false;
    rig.jump(SECOND_MS);
    expect(await watch.look()).toBe(2);
  });

  it('what could not be told is told in the next look', async () => {
    const upload = await announced(1);
    await stage(upload, 1);
    rig.jump(SECOND_MS);
    const { send } = rig.dispatcher;
    Object.assign(rig.dispatcher, { send: () => Promise.reject(new Error('the queue is away')) });
    await expect(watch.look()).rejects.toThrow('the queue is away');
    Object.assign(rig.dispatcher, { send });
    rig.jump(10 * SECOND_MS);
    expect(await watch.look()).toBe(1);
  });

  it('a process that is started anew goes on looking for what another one handed tickets out for', async () => {
    const upload = await announced(2);
    await stage(upload, 1);
    const next = chunkWatch(asked());
    await next.resume();
    expect(next.size()).toBe(1);
    rig.jump(SECOND_MS);
    expect(await next.look()).toBe(1);
  });

  it('one round asks a bounded number of times, and every upload has its turn', async () => {
    for (let i = 0; i < 100; i++) await signChunks(watch.intake, await announced(2, `${i}.bin`), [1]);
    rig.jump(SECOND_MS);
    await watch.look();
    expect(listed).toHaveLength(64);
    await watch.look();
    expect(new Set(listed).size).toBe(100);
  });
});

describe('the inbox', () => {
  const place = (key: string, text = 'content') => rig.staging.put(`inbox/folder/${key}`, Buffer.from(text));

  it('what is new is delivered, once, however often it is looked at', async () => {
    const step = inboxWalk(asked());
    place('a.bin', 'a');
    place('深 处/b+c%20.bin', 'b');
    expect(await step()).toBe(2);
    expect(await step()).toBe(0);
    await rig.settle();
    place('a.bin', 'another');
    rig.jump(2 * SECOND_MS);
    expect(await step()).toBe(1);
    await rig.settle();
    expect((await readdir(rig.root)).toSorted()).toEqual(['a (2).bin', 'a.bin', '深 处']);
    expect(await readFile(join(rig.root, '深 处', 'b+c%20.bin'), 'utf8')).toBe('b');
  });

  it('a step is bounded, and the next one goes on behind it', async () => {
    const step = inboxWalk(asked());
    for (let i = 0; i < 5_001; i++) rig.staging.put(`inbox/nobody/${String(i).padStart(5, '0')}`, Buffer.from('x'));
    expect(await step()).toBe(5_000);
    expect(listed).toHaveLength(10);
    expect(await step()).toBe(1);
    expect(await step()).toBe(0);
  });

  it('one that cannot be taken now delays no other, and is tried again', async () => {
    const step = inboxWalk(asked());
    place('a.bin');
    place('b.bin');
    const { create } = rig.table;
    let refusals = 1;
    Object.assign(rig.table, {
      create: (...row: Parameters<typeof create>) =>
        refusals-- > 0 ? Promise.reject(new Error('the table is away')) : create(...row),
    });
    await expect(step()).rejects.toThrow('the table is away');
    await rig.settle();
    expect(await readdir(rig.root)).toEqual(['b.bin']);
    expect(await step()).toBe(1);
    await rig.settle();
    expect(await readdir(rig.root)).toEqual(['a.bin', 'b.bin']);
  });

  it('what nobody is to have is complained of once', async () => {
    const step = inboxWalk(asked());
    rig.staging.put('inbox/nobody/x.bin', Buffer.from('x'));
    for (let i = 0; i < 3; i++) await step();
    expect(rig.logged.filter(({ event }) => event === 'inbox.unknown_destination')).toHaveLength(1);
  });
});
