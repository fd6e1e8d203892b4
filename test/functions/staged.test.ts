/** Storage events as a queue brings them: late, repeated, shuffled, and some of them no events at all. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HeadState } from '#core/state.ts';
import { chunkKey } from '#core/wire/keys.ts';
import type { CreateUploadAnswer } from '#core/wire/upload.ts';
import { createdIn, stagedHandler } from '../../functions/staged.ts';
import { type ApiRig, apiRig, CHUNK_BYTES } from '../api/rig.ts';

let rig: ApiRig;
beforeEach(async () => {
  rig = await apiRig();
});
afterEach(() => rig[Symbol.asyncDispose]());

/** As S3 writes it: form-encoded keys, one record a change. */
const notification = (key: string, eventName = 'ObjectCreated:Put') => ({
  Records: [
    {
      eventVersion: '2.1',
      eventSource: 'aws:s3',
      awsRegion: 'local',
      eventTime: '2025-01-01T00:00:00.000Z',
      eventName,
      s3: { bucket: { name: 'bucket' }, object: { key: encodeURIComponent(key).replaceAll('%20', '+'), size: 1 } },
    },
  ],
});
const deliver = (...bodies: readonly unknown[]) => {
  const Records = bodies.map((body, i) => ({
    messageId: `m${i + 1}`,
    receiptHandle: `m${i + 1}#1`,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    attributes: { ApproximateReceiveCount: '1', SentTimestamp: '0' },
  }));
  return stagedHandler(rig.intake)({ Records });
};
const failuresOf = async (...bodies: readonly unknown[]) =>
  (await deliver(...bodies)).batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
const putInbox = (key: string, text = 'content') => {
  rig.staging.put(key, Buffer.from(text));
  return key;
};
const files = async (folder = '.') =>
  (await readdir(join(rig.root, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .toSorted();
const putAll = ({ chunks, upload }: CreateUploadAnswer) =>
  chunks.map((ticket) => {
    rig.put(ticket, new Uint8Array(ticket.sizeBytes).fill(ticket.number));
    return notification(chunkKey(upload.id, ticket.number));
  });
const shuffled = <T>(items: readonly T[]) => items.toSorted(() => rig.engine.clock.random() - 0.5);

describe('keys', () => {
  it.each([
    ['inbox/folder/plain.bin', 'inbox/folder/plain.bin'],
    ['inbox/folder/with+space.bin', 'inbox/folder/with space.bin'],
    ['inbox/folder/a%2Bb.bin', 'inbox/folder/a+b.bin'],
    ['inbox/folder/100%25.bin', 'inbox/folder/100%.bin'],
    ['inbox/folder/%2525.bin', 'inbox/folder/%25.bin'],
    ['inbox/folder/%E6%B5%8B%E8%AF%95.bin', 'inbox/folder/测试.bin'],
    ['inbox/folder/%F0%9F%98%80.bin', 'inbox/folder/😀.bin'],
    ['inbox%2Ffolder%2Fx.bin', 'inbox/folder/x.bin'],
  ])('%s is %s', (encoded, key) => {
    const event = { Records: [{ eventName: 's3:ObjectCreated:Put', s3: { object: { key: encoded } } }] };
    expect(createdIn('bucket', JSON.stringify(event))).toEqual({ keys: [key], elsewhere: 0 });
  });

  it.each(['a b+c.bin', '100%.bin', '%20.bin', '测试 文件.bin', '😀🚀.bin', `it's "q" & <x> #1?.bin`, 'a=b;c,d.bin'])(
    'a file named %s arrives under its own name',
    async (name) => {
      await deliver(notification(putInbox(`inbox/folder/深 处/${name}`, name)));
      await rig.settle();
      expect(await readFile(join(rig.root, '深 处', name), 'utf8')).toBe(name);
    },
  );

  it('that R2 tells of, from the body of a Queue message, are taken, and its removals are not', async () => {
    const told = (key: string, action: string, bucket = 'bucket') => ({
      account: '3f4b7e3dcab231cbfdaa90a6a28bd548',
      action,
      bucket,
      object: { key, size: 7, eTag: 'c846ff7a18f28c2e262116d6e8719ef0' },
      eventTime: '2025-01-01T00:00:00.000Z',
    });
    expect(createdIn('bucket', JSON.stringify(told('inbox/folder/gone.bin', 'DeleteObject'))).keys).toEqual([]);
    await deliver(told(putInbox('inbox/folder/测试 a+b.bin'), 'PutObject'));
    await deliver(told(putInbox('inbox/folder/other.bin'), 'PutObject', 'elsewhere'));
    await rig.settle();
    expect(await files()).toEqual(['测试 a+b.bin']);
    expect(rig.logged).toContainEqual(expect.objectContaining({ level: 'error', event: 'staged.other_bucket' }));
  });

  it('of every kind of creation are taken, of removals none', async () => {
    for (const [i, event] of ['Put', 'Copy', 'Post', 'CompleteMultipartUpload'].entries()) {
      await deliver(notification(putInbox(`inbox/folder/${i}.bin`), `ObjectCreated:${event}`));
    }
    await deliver(notification(putInbox('inbox/folder/gone.bin'), 'ObjectRemoved:Delete'));
    await deliver(notification(putInbox('inbox/folder/made.bin'), 'ObjectRemoved:DeleteMarkerCreated'));
    await rig.settle();
    expect(await files()).toEqual(['0.bin', '1.bin', '2.bin', '3.bin']);
  });
});

describe('messages', () => {
  it('that S3 sends to try the queue are done with', async () => {
    const body = { Service: 'Amazon S3', Event: 's3:TestEvent', Time: '2025-01-01T00:00:00.000Z', Bucket: 'bucket' };
    expect(await failuresOf(body)).toEqual([]);
  });

  it.each([
    ['not JSON', '{"Records":[{"s3":"Holiday.mp4'],
    ['nothing', ''],
    ['null', null],
    ['another shape', { detail: {} }],
    ['a record without a key', { Records: [{ eventName: 'ObjectCreated:Put', s3: { object: {} } }] }],
    [
      'a key that is not encoded',
      { Records: [{ eventName: 'ObjectCreated:Put', s3: { object: { key: 'inbox/%E6%B5' } } }] },
    ],
  ])('of which one is %s fail only that one', async (_, bad) => {
    const good = notification(putInbox('inbox/folder/good.bin'));
    const later = notification(putInbox('inbox/folder/later.bin'));
    expect(await failuresOf(good, bad, later)).toEqual(['m2']);
    await rig.settle();
    expect(await files()).toEqual(['good.bin', 'later.bin']);
    expect(JSON.stringify(rig.logged)).not.toContain('Holiday');
    expect(rig.logged).toContainEqual(expect.objectContaining({ level: 'error', event: 'staged.failed' }));
  });

  it('are all repeated when what came is no queue event at all', async () => {
    await expect(stagedHandler(rig.intake)({ detail: {} })).rejects.toThrow();
  });

  it('whose handling fails are repeated, and then nothing is doubled', async () => {
    const key = putInbox('inbox/folder/again.bin');
    const { create } = rig.table;
    Object.assign(rig.table, { create: () => Promise.reject(new Error('the table is away')) });
    expect(await failuresOf(notification(key))).toEqual(['m1']);
    Object.assign(rig.table, { create });
    expect(await failuresOf(notification(key))).toEqual([]);
    await rig.settle();
    expect(await files()).toEqual(['again.bin']);
  });

  it.each([
    'inbox/folder/some/',
    'inbox/nobody/x.bin',
    'inbox/NoBody/x.bin',
    'inbox/x.bin',
    'inbox//x.bin',
    'inbox/folder/../../x.bin',
    'inbox/folder/./x.bin',
    'inbox/folder/a\u0007.bin',
    `inbox/folder/${'x'.repeat(256)}`,
    'elsewhere/x.bin',
    'x.bin',
    'staging/x',
    'staging/upl_nobody/00001',
  ])('about %j are done with, and nothing is made of it', async (key) => {
    expect(await failuresOf(notification(putInbox(key)))).toEqual([]);
    expect(rig.dispatcher.sent()).toEqual([]);
    expect(await rig.table.owned('local', { limit: 10 })).toEqual([]);
    expect(rig.staging.content(key)).not.toBeNull();
    const said = JSON.stringify(rig.logged);
    for (const part of ['x.bin', 'NoBody', 'xxxx']) expect(said).not.toContain(part);
  });

  it('about an object that is gone by now are done with', async () => {
    expect(await failuresOf(notification('inbox/folder/gone.bin'))).toEqual([]);
    expect(rig.dispatcher.sent()).toEqual([]);
  });
});

describe('a file in the inbox', () => {
  it('told of ten times, also at once, is delivered once', async () => {
    const event = notification(putInbox('inbox/folder/one.bin'));
    await deliver(event, event, event);
    await Promise.all(Array.from({ length: 7 }, () => deliver(event)));
    await rig.settle();
    await deliver(event);
    await rig.settle();
    expect(await files()).toEqual(['one.bin']);
    expect(await rig.table.owned('local', { limit: 10 })).toHaveLength(1);
  });

  it('with another content is another file', async () => {
    const key = putInbox('inbox/folder/twice.bin', 'first');
    await deliver(notification(key));
    await rig.settle();
    rig.jump(2_000);
    await deliver(notification(putInbox(key, 'second')));
    await rig.settle();
    expect(await files()).toEqual(['twice (2).bin', 'twice.bin']);
    expect(await readFile(join(rig.root, 'twice (2).bin'), 'utf8')).toBe('second');
  });
});

describe('a chunk', () => {
  it.each([
    ['in order, each ten times', (events: readonly unknown[]) => events.flatMap((event) => Array(10).fill(event))],
    [
      'shuffled, each ten times',
      (events: readonly unknown[]) => shuffled(events.flatMap((event) => Array(10).fill(event))),
    ],
    ['backwards', (events: readonly unknown[]) => events.toReversed()],
    ['by one lost event of two', (events: readonly unknown[]) => events.slice(1)],
  ])('told of %s leads to one delivery per destination', async (_, told) => {
    const destinations = [{ id: 'folder', path: '/in' }, { id: 'second' }];
    const created = await rig.create({ name: 'cut.bin', sizeBytes: CHUNK_BYTES + 5, destinations });
    const events = told(putAll(created));
    for (const event of events) await deliver(event);
    await rig.settle();
    for (const path of [join('in', 'cut.bin'), join('second', 'cut.bin')]) {
      const bytes = await readFile(join(rig.root, path));
      expect([bytes.byteLength, bytes.at(0), bytes.at(CHUNK_BYTES - 1), bytes.at(-1)]).toEqual([
        CHUNK_BYTES + 5,
        1,
        1,
        2,
      ]);
    }
    expect(await files()).toEqual(['cut.bin', 'cut.bin']);
    const ends = (await rig.table.owned('local', { limit: 10 })).map(({ row }) => HeadState.parse(row.state).events);
    expect(ends.map((ring) => ring.filter(({ type }) => type === 'done').length)).toEqual([1, 1]);
  });

  it('wakes whoever waits for it, and tells viewers its size', async () => {
    const created = await rig.create({ sizeBytes: CHUNK_BYTES + 5 });
    await rig.settle();
    const [first] = putAll(created);
    const before = rig.dispatcher.sent().length;
    await deliver(first);
    expect(rig.dispatcher.sent().slice(before)).toEqual([{ pk: `T#${created.transfers[0]?.id}`, sk: '@' }]);
    await Promise.resolve();
    expect(rig.rumours.at(-1)).toEqual({
      kind: 'staged',
      ownerId: 'local',
      uploadId: created.upload.id,
      chunks: [{ number: 1, sizeBytes: CHUNK_BYTES }],
    });
  });

  it('with a number that the upload has not is no news to anybody', async () => {
    const created = await rig.create();
    await deliver(notification(putInbox(chunkKey(created.upload.id, 7))));
    await Promise.resolve();
    expect(rig.rumours.filter((rumour) => rumour.kind === 'staged' && rumour.chunks.length > 0)).toEqual([]);
  });

  it('that comes after its upload has ended is removed', async () => {
    const created = await rig.create();
    const [event] = putAll(created);
    await deliver(event);
    await rig.settle();
    expect(rig.staging.objects()).toEqual([]);
    const key = putInbox(chunkKey(created.upload.id, 1));
    await deliver(event);
    expect(rig.staging.content(key)).toBeNull();
    await rig.settle();
    expect(await files()).toEqual(['file.bin']);
  });

  it('that comes after its upload was given up is removed', async () => {
    const created = await rig.create();
    await rig.call('DELETE', `/api/v1/uploads/${created.upload.id}`);
    await rig.settle();
    expect(await failuresOf(...putAll(created))).toEqual([]);
    expect(rig.staging.objects()).toEqual([]);
    expect(await files()).toEqual([]);
  });

  it('of an upload that nobody announced is removed', async () => {
    const key = putInbox('staging/upl_01M80D3TB4H0CP4F835TVPPNWD/00001');
    await deliver(notification(key));
    expect(rig.staging.content(key)).toBeNull();
  });
});
