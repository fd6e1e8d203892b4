import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isLazyRead, type RemoteAsk } from '#clients/clouddrive2/remote-asks.ts';
import { uploadStateOf } from '#clients/clouddrive2/statuses.ts';
import type { Habit } from '../../fakes/clouddrive2/habits.ts';
import { faultOf, type Rig, rig } from './rig.ts';
import { answerRead, serveFile } from './serving.ts';

const KIB = 1024;
/** Three reads of 1.5 MiB, the last of them short; each takes two messages. */
const content = randomBytes(4 * KIB * KIB + 321);
const rules = { readBytes: 1536 * KIB };
const path = '/115/电影/片.mp4';

describe('remote uploads to CloudDrive2', () => {
  it('a file is hashed, asked for in ranges, and stands in the cloud byte for byte', async () => {
    await using it = await withFolder();
    const served = await serveFile({ client: it.client, path, content });
    expect(served.states).toEqual(['waiting', 'preparing', 'queued', 'transferring', 'finished']);
    expect(served.reads).toBe(3);
    mustHold(it);
    expect(it.fake.countOf('RemoteReadData')).toBe(6);
  });

  it.each<Habit>([
    'asks before the start is answered',
    'speaks of uploads of others',
    'reads out of order',
    'reads overlap',
    'reads past the end',
    'reads twice',
    'takes short',
  ])('the same with a server that %s', async (habit) => {
    await using it = await withFolder();
    it.fake.habits.add(habit);
    const served = await serveFile({ client: it.client, path, content });
    expect(served.states.at(-1)).toBe('finished');
    mustHold(it);
  });

  it.each([
    [[{ type: 1 }], [{ hash: 'md5' }]],
    [[{ type: 1, blockBytes: 1_000_000 }], [{ hash: 'md5', blockBytes: 1_000_000 }]],
    [[{ type: 3 }], [{ hash: 'pikpak-sha1' }]],
    [
      [{ type: 1 }, { type: 2 }, { type: 3 }],
      [{ hash: 'md5' }, { hash: 'sha1' }, { hash: 'pikpak-sha1' }],
    ],
  ])('hashes %j are told as the server wants them', async (hashes, asked) => {
    await using it = await withFolder({ hashes });
    const served = await serveFile({ client: it.client, path, content });
    expect(served.hashes).toMatchObject(asked);
    mustHold(it);
  });

  it('a hash in the wrong letters is put right', async () => {
    await using it = await withFolder();
    const sha1 = sha1Of(content).toUpperCase();
    const id = await it.client.startRemoteUpload(
      { path, sizeBytes: content.length, hashes: {}, hashing: 'by-us' },
      it.signal,
    );
    const asks = it.client.remoteUploadChannel('device', it.signal);
    await next(asks, 'hash');
    const digest = { value: sha1, blocks: [] };
    const sizes = { hashedBytes: content.length, sizeBytes: content.length };
    await it.client.remoteHashProgress({ uploadId: id, hash: 'sha1', ...sizes, digest }, it.signal);
    expect((await next(asks, 'read')).uploadId).toBe(id);
  });

  it('of 115 GB is asked for anywhere', async () => {
    const sizeBytes = 115_000_000_000;
    const starts = [0, 2 ** 31 - 5, 2 ** 32 - 5, 2 ** 32 + 7, sizeBytes - 1_200_000];
    const sample = () => starts.map((start) => ({ start, end: start + 1_200_000 }));
    await using it = await withFolder({ sample });
    const asks = it.client.remoteUploadChannel('device', it.signal);
    const start = { path, sizeBytes, hashes: { sha1: 'ab'.repeat(20) }, hashing: 'by-us' } as const;
    await it.client.startRemoteUpload(start, it.signal);
    const asked: number[] = [];
    for await (const ask of asks) {
      if (ask.kind === 'state' && ask.state === 'finished') break;
      if (ask.kind !== 'read') continue;
      asked.push(ask.range.start);
      const source = only(new Uint8Array(ask.range.end - ask.range.start));
      await it.client.remoteReadData(ask, { sizeBytes, ...ask.range, source }, it.signal);
    }
    expect([asked, it.fake.violations, it.fake.tree.find(path)?.sizeBytes]).toEqual([starts, [], sizeBytes]);
  });

  it('a server that hashes by itself reads the file twice', async () => {
    await using it = await withFolder();
    const served = await serveFile({ client: it.client, path, content, hashing: 'by-server' });
    expect([served.hashes, served.reads]).toEqual([[], 6]);
    mustHold(it);
  });

  it('a known hash of a file that the cloud has ends the upload without a question', async () => {
    await using it = await withFolder();
    it.fake.stock.add(`2:${sha1Of(content)}`);
    const served = await serveFile({ client: it.client, path, content, hashes: { sha1: sha1Of(content) } });
    expect(served).toMatchObject({ states: ['waiting', 'preparing', 'finished'], reads: 0, hashes: [] });
  });

  it('what the cloud has already may also end as skipped', async () => {
    await using it = await withFolder();
    it.fake.habits.add('skips what it has');
    it.fake.stock.add(`2:${sha1Of(content)}`);
    const served = await serveFile({ client: it.client, path, content });
    expect(served.states).toEqual(['waiting', 'preparing', 'skipped']);
  });

  it('a small file may be taken by its hash alone', async () => {
    await using it = await withFolder();
    it.fake.habits.add('small files are instant');
    const served = await serveFile({ client: it.client, path, content: content.subarray(0, 606_010) });
    expect(served).toMatchObject({ reads: 0, states: ['waiting', 'preparing', 'finished'] });
  });

  it.each<Habit[]>([[], ['reads the empty file']])('an empty file arrives: %s', async (...habits) => {
    await using it = await withFolder();
    for (const habit of habits) it.fake.habits.add(habit);
    const served = await serveFile({ client: it.client, path, content: new Uint8Array(0) });
    expect(served).toMatchObject({ reads: habits.length });
    expect(served.states.at(-1)).toBe('finished');
    expect([it.fake.tree.find(path)?.sizeBytes, it.fake.violations]).toEqual([0, []]);
  });

  it.each([
    ['ends with Error', 'failed', 'rapid upload error, statuscode: 5'],
    ['ends with FatalError', 'refused', 'the cloud refuses this file'],
    ['ends with Ignored', 'ignored', 'ignored by rule'],
  ] as const)('an upload that %s is %s, with its text', async (habit, state, text) => {
    await using it = await withFolder();
    it.fake.habits.add(habit);
    const served = await serveFile({ client: it.client, path, content });
    expect([served.states.at(-1), served.errorMessage]).toEqual([state, text]);
  });

  it('a state of a newer server is unknown, not wrong', () => {
    expect(uploadStateOf('Finish')).toBe('finished');
    expect(uploadStateOf(11 as never)).toBe('unknown');
  });

  it('what an earlier upload brought is not asked for again', async () => {
    await using it = await withFolder({ readsMax: 1 });
    it.fake.habits.add('resume skips parts');
    const { id, asks } = await opened(it);
    await hashed(it, asks, id);
    await answerRead(it.client, await next(asks, 'read'), content, it.signal);
    it.fake.forgetUploads();
    await asks.return(undefined as never);
    const served = await serveFile({ client: it.client, path, content });
    expect(served.reads).toBe(2);
    mustHold(it);
  });
});

describe('the answers to reads of CloudDrive2', () => {
  it('to a server that keeps refusing inside OK end as a Fault that may pass', async () => {
    await using it = await withFolder();
    it.fake.habits.add('refuses pieces');
    const { id, asks } = await opened(it);
    await hashed(it, asks, id);
    const fault = await faultOf(answerRead(it.client, await next(asks, 'read'), content, it.signal));
    expect(fault).toMatchObject({ kind: 'transient', code: 'clouddrive2.piece_refused' });
    expect(it.fake.countOf('RemoteReadData')).toBe(3);
  });

  it('for a lost upload end as gone', async () => {
    await using it = await withFolder();
    const { id, asks } = await opened(it);
    await hashed(it, asks, id);
    const read = await next(asks, 'read');
    it.fake.forgetUploads();
    const gone = { kind: 'gone', code: 'clouddrive2.session_gone' };
    expect(await faultOf(answerRead(it.client, read, content, it.signal))).toMatchObject(gone);
    expect(await faultOf(it.client.remoteUploadControl(id, 'pause', it.signal))).toMatchObject(gone);
    const progress = { uploadId: id, hash: 'sha1', hashedBytes: 0, sizeBytes: 1 } as const;
    expect(await faultOf(it.client.remoteHashProgress(progress, it.signal))).toMatchObject(gone);
  });

  it('from a source that is shorter or longer than told are never taken for whole', async () => {
    await using it = await withFolder();
    const { id, asks } = await opened(it);
    await hashed(it, asks, id);
    const read = await next(asks, 'read');
    const whole = { sizeBytes: content.length, start: 0, end: 1000 };
    const of = (count: number) => ({ ...whole, source: only(content.subarray(0, count)) });
    for (const count of [999, 1001, 0]) {
      const fault = await faultOf(it.client.remoteReadData(read, of(count), it.signal));
      expect(fault).toMatchObject({ kind: 'transient', code: 'clouddrive2.source_length' });
    }
    expect(it.fake.countOf('RemoteReadData')).toBe(1);
    expect(it.fake.violations).toEqual([]);
  });

  it('of one read go one after the other: a slow server holds the source back', async () => {
    await using it = await withFolder({ readBytes: 3 * KIB * KIB });
    const { id, asks } = await opened(it);
    await hashed(it, asks, id);
    const read = await next(asks, 'read');
    const hold = it.fake.hold('RemoteReadData');
    let taken = 0;
    async function* source() {
      for (let at = read.range.start; at < read.range.end; at += 64 * KIB) {
        taken += 1;
        yield content.subarray(at, at + 64 * KIB);
      }
    }
    const bytes = { sizeBytes: content.length, ...read.range, source: source() };
    const answered = it.client.remoteReadData(read, bytes, it.signal);
    await hold.waiting(1);
    // One piece of 1 MiB is on its way, and at most one is ready to follow.
    expect(taken).toBeGreaterThanOrEqual(16);
    expect(taken).toBeLessThanOrEqual(32);
    hold.letGo();
    await answered;
  });

  it('a deadline in the middle is mended by the same bytes again', async () => {
    await using it = await withFolder();
    it.fake.failNext('RemoteReadData', 14, 'reset', 2);
    await serveFile({ client: it.client, path, content });
    mustHold(it);
  });
});

describe('the channel of CloudDrive2', () => {
  it('is opened again after a break, and the server repeats what is unanswered under the same ids', async () => {
    await using it = await withFolder({ readsMax: 2 });
    const { id, asks } = await opened(it);
    await hashed(it, asks, id);
    const before = [await next(asks, 'read'), await next(asks, 'read')];
    it.fake.dropChannels();
    await next(asks, 'connected');
    expect([await next(asks, 'read'), await next(asks, 'read')]).toEqual(before);
    expect(before[0]?.requestId).not.toBe(before[1]?.requestId);
    expect(before.map(({ requestId }) => isLazyRead(requestId))).toEqual([false, true]);
  });

  it('is opened again with a new token when the old one ends under way', async () => {
    const credentials = { kind: 'account', userName: 'someone@example.com', password: 'correct horse' } as const;
    await using it = await withFolder({}, { credentials });
    const { asks } = await opened(it);
    const ask = await next(asks, 'hash');
    it.fake.accounts.revokeAll();
    it.fake.dropChannels(16);
    expect(await next(asks, 'hash')).toEqual(ask);
    expect(it.fake.countOf('GetToken')).toBe(2);
  });

  it('survives a server that goes away and comes back', async () => {
    await using it = await withFolder();
    const { asks } = await opened(it);
    const ask = await next(asks, 'hash');
    it.fake.stop();
    await it.fake.start();
    await next(asks, 'connected');
    expect(await next(asks, 'hash')).toEqual(ask);
  });

  it('asks for a hash again after a minute of silence, but not while there is progress', async () => {
    await using it = await withFolder();
    const { id, asks } = await opened(it);
    const ask = await next(asks, 'hash');
    await it.fake.time.advance(50_000);
    const progress = { uploadId: id, hash: 'sha1', hashedBytes: 5, sizeBytes: content.length } as const;
    await it.client.remoteHashProgress(progress, it.signal);
    await it.fake.time.advance(50_000);
    await it.client.remoteUploadControl(id, 'pause', it.signal);
    expect(await asks.next()).toMatchObject({ value: { kind: 'state', state: 'paused' } });
    await it.client.remoteUploadControl(id, 'resume', it.signal);
    await next(asks, 'hash');
    await it.fake.time.advance(60_001);
    expect(await next(asks, 'hash')).toEqual(ask);
  });

  it('that another process takes over ends, and does not take it back', async () => {
    await using it = await withFolder();
    const { asks } = await opened(it);
    await next(asks, 'hash');
    const other = it.client.remoteUploadChannel('device', it.signal);
    await next(other, 'connected');
    const fault = await faultOf(next(asks, 'read'));
    expect(fault).toMatchObject({ kind: 'transient', code: 'clouddrive2.channel_replaced' });
    expect((await next(other, 'hash')).hash).toBe('sha1');
    await other.return(undefined as never);
  });

  it('that was taken over before anybody read it ends as well', async () => {
    await using it = await rig();
    const asks = it.client.remoteUploadChannel('device', it.signal);
    await next(asks, 'connected');
    await next(it.client.remoteUploadChannel('device', it.signal), 'connected');
    // By a later answer on the same connection, the end of the first channel has come as well.
    await it.client.mountList(it.signal);
    expect(await faultOf(asks.next())).toMatchObject({ code: 'clouddrive2.channel_replaced' });
  });

  it('gives up on a server that takes it and drops it ten times in a row', async () => {
    await using it = await rig();
    it.fake.failNext('RemoteUploadChannel', 14, 'reset', 100);
    const fault = await faultOf(it.client.remoteUploadChannel('device', it.signal).next());
    expect(fault).toMatchObject({ kind: 'transient', code: 'clouddrive2.unavailable' });
    expect(it.waitsMs).toEqual([150, 300, 600, 1200, 2400, 3750, 3750, 3750, 3750]);
  });

  it('ends by its signal while it waits, with the reason', async () => {
    await using it = await rig();
    const stop = new AbortController();
    const asks = it.client.remoteUploadChannel('device', stop.signal);
    await next(asks, 'connected');
    const waiting = asks.next();
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await it.fake.until(() => it.fake.openChannels().length === 0);
  });

  it('is ended at the server as soon as its reader leaves, also before the first question', async () => {
    await using it = await rig();
    const asks = it.client.remoteUploadChannel('device', it.signal);
    await next(asks, 'connected');
    await asks.return(undefined as never);
    await it.fake.until(() => it.fake.openChannels().length === 0);
  });

  it('counts as connected when a proxy keeps its headers back', async () => {
    await using it = await withFolder({}, { deadlineMsMax: 1500 });
    it.fake.habits.add('headers come late');
    const served = await serveFile({ client: it.client, path, content });
    expect(served.states.at(-1)).toBe('finished');
  });

  it('tells pause, resume and cancel when they have happened', async () => {
    await using it = await withFolder();
    const { id, asks } = await opened(it);
    await hashed(it, asks, id);
    await it.client.remoteUploadControl(id, 'pause', it.signal);
    await stateIs(asks, 'paused');
    await it.client.remoteUploadControl(id, 'resume', it.signal);
    await stateIs(asks, 'transferring');
    await it.client.remoteUploadControl(id, 'cancel', it.signal);
    await stateIs(asks, 'canceled');
  });

  it('does not lose an upload whose token ends under way', async () => {
    const credentials = { kind: 'account', userName: 'someone@example.com', password: 'correct horse' } as const;
    await using it = await withFolder({}, { credentials });
    const served = serveFile({ client: it.client, path, content });
    await it.fake.until(() => it.fake.countOf('RemoteReadData') > 1);
    it.fake.accounts.revokeAll();
    expect((await served).states.at(-1)).toBe('finished');
    mustHold(it);
  });
});

async function withFolder(
  change: Partial<Rig['fake']['rules']> = {},
  options: Parameters<typeof rig>[0] = {},
): Promise<Rig> {
  const made = await rig({ rules: { ...rules, ...change }, ...options });
  made.fake.tree.addFolder('/115/电影');
  return made;
}

function mustHold({ fake }: Rig): void {
  expect(fake.violations).toEqual([]);
  expect(fake.tree.find(path)?.content?.equals(content)).toBe(true);
}

/** An upload whose channel is read by hand. */
async function opened(it: Rig): Promise<{ readonly id: string; readonly asks: AsyncGenerator<RemoteAsk, never> }> {
  const asks = it.client.remoteUploadChannel('device', it.signal);
  await next(asks, 'connected');
  const start = { path, sizeBytes: content.length, hashes: {}, hashing: 'by-us' } as const;
  return { id: await it.client.startRemoteUpload(start, it.signal), asks };
}

async function hashed(it: Rig, asks: AsyncGenerator<RemoteAsk, never>, uploadId: string): Promise<void> {
  const { hash } = await next(asks, 'hash');
  const sizes = { hashedBytes: content.length, sizeBytes: content.length };
  const digest = { value: sha1Of(content), blocks: [] };
  await it.client.remoteHashProgress({ uploadId, hash, ...sizes, digest }, it.signal);
}

/** The next of this kind; others are passed over. */
async function next<K extends RemoteAsk['kind']>(
  asks: AsyncGenerator<RemoteAsk, never>,
  kind: K,
): Promise<Extract<RemoteAsk, { kind: K }>> {
  for (;;) {
    const { value } = await asks.next();
    if (isKind(value, kind)) return value;
  }
}

function isKind<K extends RemoteAsk['kind']>(ask: RemoteAsk, kind: K): ask is Extract<RemoteAsk, { kind: K }> {
  return ask.kind === kind;
}

async function stateIs(asks: AsyncGenerator<RemoteAsk, never>, state: string): Promise<void> {
  while ((await next(asks, 'state')).state !== state);
}

function sha1Of(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex');
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
