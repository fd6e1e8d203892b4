import { createHash } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { Ask } from '#core/ports/provider.ts';
import { expectFault } from '../../contract/expect-fault.ts';
import { bytesOf, ctx } from '../../contract/push-rig.ts';
import { deliver, honestAnswers, inspect, openFor, serve, serveItem, settled } from '../../contract/serve-rig.ts';
import type { Habit } from '../../fakes/clouddrive2/habits.ts';
import { cloudDrive2Rig } from './rig.ts';

const READ_BYTES = 100_000;
const content = bytesOf(5 * READ_BYTES + 17);
const sha1 = createHash('sha1').update(content).digest('hex');
const small = bytesOf(606_010, 3);

describe('remote uploads: what must work', () => {
  it('a small file is hashed and read, and arrives (R030)', async () => {
    await using it = await cloudDrive2Rig(['remote'], { rules: { readBytes: 4 * 1024 * 1024 } });
    const opened = await openFor(it.provider(), serveItem(small, { folder: '/视频', name: '测试.mp4' }), small);
    const serving = serve([opened]);
    await serving.ended;
    expect(kindsOf(serving.asked)).toEqual(['digest', 'read', 'ended']);
    expect(await settled(it, opened)).toMatchObject({
      kind: 'complete',
      receipt: { evidence: 'C', location: 'clouddrive2:/115/收件/视频/测试.mp4', checkedBy: 'size' },
    });
  });

  it('a small file that the cloud knows arrives without a byte (R030)', async () => {
    await using it = await cloudDrive2Rig(['remote']);
    it.fake.habits.add('small files are instant');
    const opened = await openFor(it.provider(), serveItem(small), small);
    const serving = serve([opened]);
    await serving.ended;
    expect(kindsOf(serving.asked)).toEqual(['digest', 'ended']);
    expect(await inspect(opened)).toMatchObject({ kind: 'complete' });
  });

  it.each(['Finish', 'Skipped'] as const)(
    'a hash that is known at the start spares every question: %s',
    async (end) => {
      await using it = await cloudDrive2Rig(['remote']);
      it.fake.stock.add(`2:${sha1}`);
      if (end === 'Skipped') it.fake.habits.add('skips what it has');
      const opened = await openFor(it.provider(), serveItem(content, { digests: { sha1 } }), content);
      const serving = serve([opened]);
      await serving.ended;
      expect(serving.asked.filter(({ kind }) => kind !== 'ended')).toEqual([]);
      expect(await inspect(opened)).toMatchObject({ kind: 'complete', receipt: { evidence: 'A', checkedBy: 'sha1' } });
    },
  );

  it('a large file is read range by range, several at once (R031)', async () => {
    await using it = await cloudDrive2Rig(['remote']);
    const opened = await openFor(it.provider(), serveItem(content), content);
    const serving = serve([opened]);
    await serving.ended;
    expect(serving.asked.filter(({ kind }) => kind === 'read')).toHaveLength(6);
    expect(await settled(it, opened)).toMatchObject({ kind: 'complete' });
    expect(it.fake.violations).toEqual([]);
  });

  it('an upload that is begun again is asked only for what is missing (R032)', async () => {
    await using it = await cloudDrive2Rig(['remote'], { rules: { readsMax: 1 } });
    it.fake.habits.add('resume skips parts');
    const item = serveItem(content);
    const first = await openFor(it.provider(), item, content);
    const serving = serve([first], { meet: (ask) => (isRead(ask, 3 * READ_BYTES) ? 'leave' : undefined) });
    await it.fake.until(() => it.fake.uploads()[0]?.receivedBytes === 3 * READ_BYTES);
    await serving.stop();
    it.fake.forgetUploads();
    expect(await inspect(first)).toEqual({ kind: 'gone' });
    const again = await openFor(it.provider(), item, content);
    const rest = serve([again]);
    await rest.ended;
    expect(rest.asked.filter((ask) => ask.kind === 'read').map(({ range }) => range.start)).toEqual([
      3 * READ_BYTES,
      4 * READ_BYTES,
      5 * READ_BYTES,
    ]);
    expect(await settled(it, again)).toMatchObject({ kind: 'complete' });
  });

  it.each([
    ['silent', (fake: Fake) => fake.failNext('GetSystemInfo', status.DEADLINE_EXCEEDED, '', 2), 'silent', 'transient'],
    ['down', (fake: Fake) => fake.stop(), 'down', 'transient'],
    [
      'of another password',
      (fake: Fake) => fake.failNext('GetRuntimeInfo', status.UNAUTHENTICATED, '', 2),
      'auth',
      'auth',
    ],
  ] as const)(
    'a server that is %s is named when it is asked what has become of a file (R035)',
    async (_, make, code, kind) => {
      await using it = await cloudDrive2Rig(['remote']);
      const opened = await openFor(it.provider(), serveItem(small), small);
      await it.fake.time.advance(5_000);
      make(it.fake);
      await expectFault(kind, `clouddrive2.${code}`, inspect(opened));
    },
  );

  it('a piece that the server refuses is sent again, and then told (R036)', async () => {
    await using it = await cloudDrive2Rig(['remote']);
    const opened = await openFor(it.provider(), serveItem(content), content);
    it.fake.habits.add('refuses pieces');
    const serving = serve([opened]);
    await expectFault('transient', 'clouddrive2.piece_refused', serving.ended);
    it.fake.habits.delete('refuses pieces');
    await serve([opened]).ended;
    expect(await settled(it, opened)).toMatchObject({ kind: 'complete' });
  });

  it('a hash that takes long is told step by step, and asked for again after a silence (R037)', async () => {
    await using it = await cloudDrive2Rig(['remote']);
    const opened = await openFor(it.provider(), serveItem(content), content);
    const serving = serve([opened], { meet: (ask) => (ask.kind === 'digest' ? 'leave' : undefined) });
    await serving.came(1);
    await it.fake.time.advance(60_000);
    await serving.came(2);
    const [first, second] = serving.asked;
    expect(second).toMatchObject({ kind: 'digest', requestId: (first as { requestId: string }).requestId });
    if (second?.kind !== 'digest') throw new Error('no digest was asked for');
    for (const answer of honestAnswers(second, content)) await opened.provider.answer(second, answer, ctx);
    await serving.ended;
    expect(await settled(it, opened)).toMatchObject({ kind: 'complete' });
  });
});

describe('remote uploads: how they end', () => {
  it.each<[Habit, string, string, RegExp]>([
    ['ends with Error', 'gone', 'clouddrive2.upload_failed', /rapid upload error/],
    ['ends with FatalError', 'rejected', 'clouddrive2.refused_by_cloud', /the cloud refuses this file/],
    ['ends with Ignored', 'rejected', 'clouddrive2.ignored', /ignored by rule/],
  ])(
    'one that %s is told as %s, once: asked again it is gone, so that a retry begins anew',
    async (habit, kind, code, text) => {
      await using it = await cloudDrive2Rig(['remote']);
      it.fake.habits.add(habit);
      const opened = await openFor(it.provider(), serveItem(content), content);
      const fault = await expectFault(kind as 'gone', code, serve([opened]).ended);
      expect(fault.message).toMatch(text);
      expect(await inspect(opened)).toEqual({ kind: 'gone' });
      const other = { ...opened, provider: it.provider() };
      await expectFault(kind as 'gone', code, inspect(other));
      expect(await inspect(other)).toEqual({ kind: 'gone' });
    },
  );

  it('one that a person cancels in CloudDrive2 is not sent again by itself', async () => {
    await using it = await cloudDrive2Rig(['remote']);
    const opened = await openFor(it.provider(), serveItem(content), content);
    const serving = serve([opened], { meet: (ask) => (ask.kind === 'ended' ? undefined : 'leave') });
    await serving.came(1);
    it.fake.control(it.fake.uploads()[0]?.id ?? '', 'cancel');
    await expectFault('rejected', 'clouddrive2.canceled_there', serving.ended);
  });

  it('one that is skipped, and does not stand there in time, is refused', async () => {
    await using it = await cloudDrive2Rig(['remote']);
    it.fake.stock.add(`2:${sha1}`);
    it.fake.habits.add('skips what it has').add('shows new files late');
    const opened = await openFor(it.provider(), serveItem(content, { digests: { sha1 } }), content);
    await serve([opened]).ended;
    expect(await inspect(opened)).toMatchObject({ kind: 'settling' });
    await it.fake.time.advance(15_000);
    await expectFault('rejected', 'clouddrive2.skipped', inspect(opened));
  });

  it('bytes of which the cloud tells another hash are sent again', async () => {
    await using it = await cloudDrive2Rig(['remote']);
    it.fake.habits.add('shows new files late');
    const opened = await openFor(it.provider(), serveItem(content, { digests: { sha1 } }), content);
    await serve([opened]).ended;
    const hashes = { 2: 'ab'.repeat(20) };
    it.fake.tree.addFile({ path: it.pathOf(opened.item), sizeBytes: content.length, hashes });
    await expectFault('gone', 'clouddrive2.content_differs', inspect(opened));
  });

  it('a token that may not see the task list delivers all the same', async () => {
    const rights = ['allow_list', 'allow_create_folder', 'allow_write'] as const;
    await using it = await cloudDrive2Rig(['remote'], { apiTokens: [{ token: 'narrow', rootDir: '/', rights }] });
    const opened = await openFor(it.connect({}, { apiToken: 'narrow' }), serveItem(content), content);
    await serve([opened]).ended;
    expect(await settled(it, opened)).toMatchObject({ kind: 'complete' });
  });
});

describe('remote uploads: names', () => {
  it('a name that is taken gets a number, also when its file is still under way', async () => {
    await using it = await cloudDrive2Rig(['remote']);
    const provider = it.provider();
    it.fake.tree.addFile({ path: it.pathOf({ folder: '/', name: 'film.mp4' }), sizeBytes: 1, hashes: {} });
    const both = await Promise.all(
      [1, 2].map((seed) => {
        const bytes = bytesOf(2000, seed);
        return openFor(provider, serveItem(bytes), bytes);
      }),
    );
    await serve(both).ended;
    const names = it.fake.tree.files().map((path) => path.slice(path.lastIndexOf('/') + 1));
    expect(names.sort()).toEqual(['film (2).mp4', 'film (3).mp4', 'film.mp4']);
  });

  it('replace leaves the old file in its place until the new one is there', async () => {
    await using it = await cloudDrive2Rig(['remote']);
    const path = it.pathOf({ folder: '/', name: 'film.mp4' });
    it.fake.tree.addFile({ path, sizeBytes: content.length, hashes: {}, content: Buffer.alloc(content.length) });
    const opened = await openFor(it.connect({ onConflict: 'replace' }), serveItem(content), content);
    await it.fake.time.advance(2_000);
    const during: unknown[] = [];
    const meet = () => void during.push(it.fake.tree.find(path)?.content?.equals(content));
    await serve([opened], { meet: () => meet() }).ended;
    expect(during[0]).toBe(false);
    expect(await inspect(opened)).toMatchObject({ kind: 'complete' });
    expect(it.fake.tree.find(path)?.content?.equals(content)).toBe(true);
    expect(it.fake.tree.files()).toEqual([path]);
  });

  it('a back-slash, which the server takes for its root, is sent as its full-width twin', async () => {
    await using it = await cloudDrive2Rig(['remote']);
    const opened = await openFor(it.provider(), serveItem(small, { folder: '/a\\b', name: 'c\\d.mp4' }), small);
    expect(await deliver(it, opened)).toMatchObject({ receipt: { location: 'clouddrive2:/115/收件/a＼b/c＼d.mp4' } });
  });

  it('a folder outside every cloud is refused with what to do', async () => {
    await using it = await cloudDrive2Rig(['remote']);
    const opening = it.connect({ prefix: '/none' }).open(serveItem(small), ctx);
    await expectFault('rejected', 'clouddrive2.no_cloud', opening);
  });
});

describe('remote uploads: one channel for many', () => {
  it('is opened when it is first needed, and once', async () => {
    await using it = await cloudDrive2Rig(['remote']);
    const provider = it.provider();
    const files = await Promise.all(
      [1, 2, 3, 4].map((seed) => {
        const bytes = bytesOf(3 * READ_BYTES, seed);
        return openFor(provider, serveItem(bytes, { name: `${seed}` }), bytes);
      }),
    );
    await serve(files).ended;
    expect(it.fake.countOf('RemoteUploadChannel')).toBe(1);
    for (const file of files) expect(await settled(it, file)).toMatchObject({ kind: 'complete' });
    expect(it.fake.violations).toEqual([]);
  });

  it('survives breaks: what was asked is asked again', async () => {
    await using it = await cloudDrive2Rig(['remote']);
    const opened = await openFor(it.provider(), serveItem(content), content);
    let isBroken = false;
    const serving = serve([opened], {
      meet: (ask) => {
        if (ask.kind !== 'read' || isBroken) return undefined;
        isBroken = true;
        it.fake.dropChannels();
        return 'leave';
      },
    });
    await serving.ended;
    expect(await settled(it, opened)).toMatchObject({ kind: 'complete' });
  });

  it('that another process takes over ends the stream', async () => {
    await using it = await cloudDrive2Rig(['remote']);
    const opened = await openFor(it.provider(), serveItem(content), content);
    const serving = serve([opened], { meet: () => 'leave' });
    await serving.came(1);
    const other = serve([{ ...opened, provider: it.provider() }]);
    await expectFault('transient', 'clouddrive2.channel_replaced', serving.ended);
    await other.ended;
    expect(await settled(it, opened)).toMatchObject({ kind: 'complete' });
  });
});

type Fake = Awaited<ReturnType<typeof cloudDrive2Rig>>['fake'];

function kindsOf(asked: readonly Ask[]): readonly string[] {
  return asked.map(({ kind }) => kind);
}

function isRead(ask: Ask, from: number): boolean {
  return ask.kind === 'read' && ask.range.start >= from;
}
