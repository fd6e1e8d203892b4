/** Files of one folder become the parts of one video: each once, whatever dies, and one at a time. */
import { expect, it, vi } from 'vitest';
import { Fault } from '#core/fault.ts';
import type { Item, PartReceipt, Session } from '#core/ports/provider.ts';
import { expectFault } from '../../contract/expect-fault.ts';
import { bytesOf, ctx, itemOf, type Opened, openFor, putAll } from '../../contract/push-rig.ts';
import type { Archive } from '../../fakes/bilibili/world.ts';
import { type BilibiliRig, bilibiliRig } from './rig.ts';

const MINUTE_MS = 60_000;
const JOIN = { join: 'folder' } as const;

it('files of a folder become parts of one video, in the order of their names, and it is called after the folder', async () => {
  await using rig = await bilibiliRig();
  const receipts = [];
  for (const name of ['part 10.mp4', 'part 2.mp4', 'part 9.mp4']) receipts.push(await deliver(rig, name));
  expect(rig.archives()).toHaveLength(1);
  const [archive] = rig.archives();
  expect(archive?.title).toBe('evening');
  expect(titlesOf(rig)).toEqual(['part 2', 'part 9', 'part 10']);
  expect(new Set(receipts.map(({ remoteId }) => remoteId))).toEqual(new Set([archive?.bvid]));
  expect([rig.count('add'), rig.count('edit')]).toEqual([1, 2]);
});

it('files of other folders, of none, and without the setting are videos of their own', async () => {
  await using rig = await bilibiliRig();
  await deliver(rig, 'a.mp4', '/evening');
  await deliver(rig, 'b.mp4', '/live/evening');
  await deliver(rig, 'c.mp4', '/');
  await deliver(rig, 'd.mp4', '/evening', { join: 'never' });
  expect(rig.archives().map(({ title, videos }) => [title, videos.length])).toEqual([
    ['evening', 1],
    ['evening', 1],
    ['c', 1],
    ['d', 1],
  ]);
});

it('what a person has changed on the video meanwhile is said again by an edit', async () => {
  await using rig = await bilibiliRig();
  await deliver(rig, 'a.mp4', '/evening', { onlySelf: true });
  const archive = theArchive(rig);
  archive.title = 'A better title';
  archive.submission = { ...archive.submission, tag: '新的', cover: 'http://i0.hdslb.com/mine.jpg', dtime: 7 };
  await deliver(rig, 'b.mp4');
  expect(archive.submission).toMatchObject({
    title: 'A better title',
    tag: '新的',
    cover: 'http://i0.hdslb.com/mine.jpg',
    dtime: 7,
    is_only_self: 1,
  });
  expect(titlesOf(rig)).toEqual(['a', 'b']);
});

it('a video that only its owner sees does not become public by an edit, though Bilibili does not tell that it is one', async () => {
  await using rig = await bilibiliRig();
  await deliver(rig, 'a.mp4', '/evening', { onlySelf: true });
  const archive = theArchive(rig);
  const { is_only_self: _, ...told } = archive.submission;
  archive.submission = told;
  await deliver(rig, 'b.mp4', '/evening', { onlySelf: true });
  expect(archive.submission['is_only_self']).toBe(1);
});

it('a file whose folder another file is just going into waits for it, in whatever process, and asks nothing', async () => {
  await using rig = await bilibiliRig();
  const [one, two] = [await upload(rig, 'a.mp4'), await upload(rig, 'b.mp4')];
  rig.fake.misbehave('add', 'stalled');
  const first = finish(rig, one);
  await rig.fake.stalled();
  const { isQueued } = await expectFault('throttled', 'bilibili.joining', finish(rig, two));
  expect(isQueued).toBe(true);
  rig.fake.release();
  await first;
  await finish(rig, two);
  expect(titlesOf(rig)).toEqual(['a', 'b']);
  expect(rig.archives()).toHaveLength(1);
});

it.each(['done-but-lost', 'done-but-504', '502', 'cut', 'reset-midway'] as const)(
  'an edit that meets %s adds its part once, and takes none away',
  async (habit) => {
    await using rig = await bilibiliRig({ listLagMs: 30_000 });
    await deliver(rig, 'a.mp4');
    const two = await upload(rig, 'b.mp4');
    rig.fake.misbehave('edit', habit);
    await untilDone(rig, two);
    await deliver(rig, 'c.mp4');
    expect(titlesOf(rig)).toEqual(['a', 'b', 'c']);
    expect(rig.archives()).toHaveLength(1);
  },
);

it('two files that come to one video at once do not undo each other', async () => {
  await using rig = await bilibiliRig();
  await deliver(rig, 'a.mp4');
  const [two, three] = [await upload(rig, 'b.mp4'), await upload(rig, 'c.mp4')];
  rig.fake.misbehave('edit', 'stalled');
  const second = finish(rig, two);
  await rig.fake.stalled();
  await expectFault('throttled', 'bilibili.joining', finish(rig, three));
  rig.fake.release();
  await second;
  await finish(rig, three);
  expect(titlesOf(rig)).toEqual(['a', 'b', 'c']);
});

it('nobody changes a video while an edit of it may still arrive', async () => {
  await using rig = await bilibiliRig({ viewLagMs: MINUTE_MS });
  await deliver(rig, 'a.mp4');
  const [two, three] = [await upload(rig, 'b.mp4'), await upload(rig, 'c.mp4')];
  rig.fake.misbehave('edit', 'done-but-504');
  await expectFault('transient', 'bilibili.submit_unclear', finish(rig, two));
  const { retryAfterMs } = await expectFault('throttled', 'bilibili.joining', finish(rig, three));
  expect(retryAfterMs).toBe(2 * MINUTE_MS);
  rig.pass(MINUTE_MS);
  await finish(rig, two);
  await untilDone(rig, three);
  expect(titlesOf(rig)).toEqual(['a', 'b', 'c']);
  expect(rig.count('edit')).toBe(2);
});

it.each(['bilibili.unavailable', 'bilibili.limited'] as const)(
  'the same where it cannot even be looked for the part: %s',
  async (code) => {
    await using rig = await bilibiliRig();
    await deliver(rig, 'a.mp4');
    const [two, three] = [await upload(rig, 'b.mp4'), await upload(rig, 'c.mp4')];
    if (code === 'bilibili.unavailable') rig.fake.misbehave('edit', 'done-but-504');
    const edits = afterAnswers('/web/edit', async () => {
      if (code === 'bilibili.unavailable') rig.fake.cutFrom(1, 'before it is done');
      else rig.fake.misbehave('view', 'code -412', 2);
    });
    await expectFault(code === 'bilibili.limited' ? 'throttled' : 'transient', code, finish(rig, two));
    edits.mockRestore();
    rig.fake.mend();
    expect((await rig.cell('joins').read())?.value).toMatchObject({ entries: [{ by: expect.stringMatching(/./) }] });
    await untilDone(rig, two);
    await untilDone(rig, three);
    expect(titlesOf(rig)).toEqual(['a', 'b', 'c']);
  },
);

it('a file that finds itself in a video which another file is just changing waits, for it may be taken out again', async () => {
  await using rig = await bilibiliRig();
  await deliver(rig, 'a.mp4');
  const archive = theArchive(rig);
  const [two, three] = [await upload(rig, 'b.mp4'), await upload(rig, 'c.mp4')];
  rig.fake.misbehave('edit', 'done-but-504');
  const edits = afterAnswers('/web/edit', async () => {
    archive.before = { videos: archive.videos.slice(0, 1), untilMs: rig.fake.world.settings.now() + 2 * MINUTE_MS + 1 };
  });
  await expectFault('transient', 'bilibili.submit_unclear', finish(rig, two));
  edits.mockRestore();
  rig.pass(2 * MINUTE_MS);
  rig.fake.misbehave('edit', 'stalled');
  const third = finish(rig, three);
  await rig.fake.stalled();
  rig.pass(1);
  expect((await expectFault('throttled', 'bilibili.joining', finish(rig, two))).isQueued).toBe(true);
  rig.fake.release();
  await third;
  await untilDone(rig, two);
  expect(titlesOf(rig)).toEqual(['a', 'b', 'c']);
});

it('a part that is found after another one came in is not counted twice', async () => {
  await using rig = await bilibiliRig();
  await deliver(rig, 'a.mp4');
  const [two, three] = [await upload(rig, 'b.mp4'), await upload(rig, 'c.mp4')];
  const cell = rig.shared;
  const real = cell.swap;
  // Its part is in, and that is written down at the video alone.
  const table = vi.spyOn(cell, 'swap').mockImplementation(async (v, value) => {
    if (rig.count('edit') > 0) throw new Error('the table is away');
    return real(v, value);
  });
  await finish(rig, two);
  table.mockRestore();
  await finish(rig, three);
  await untilDone(rig, two);
  await deliver(rig, 'd.mp4');
  expect(titlesOf(rig)).toEqual(['a', 'b', 'c', 'd']);
});

it('a turn that has run out is not used when another file has had it since', async () => {
  await using rig = await bilibiliRig();
  await deliver(rig, 'a.mp4');
  const [two, three] = [await upload(rig, 'b.mp4'), await upload(rig, 'c.mp4')];
  const waiting = { views: 2 };
  using _ = afterAnswers('/archive/view', async () => {
    // The first view looks for the file, the second one is taken in its turn.
    waiting.views -= 1;
    if (waiting.views !== 0) return;
    rig.pass(6 * MINUTE_MS);
    await finish(rig, three);
  });
  await expectFault('throttled', 'bilibili.joining', finish(rig, two));
  await finish(rig, two);
  expect(titlesOf(rig)).toEqual(['a', 'b', 'c']);
});

it('a part that shows up between two looks is not added again', async () => {
  await using rig = await bilibiliRig({ viewLagMs: 3 * MINUTE_MS });
  await deliver(rig, 'a.mp4');
  const two = await upload(rig, 'b.mp4');
  rig.fake.misbehave('edit', 'done-but-504');
  await expectFault('transient', 'bilibili.submit_unclear', finish(rig, two));
  rig.pass(2 * MINUTE_MS);
  using _ = afterAnswers('/web/archives', async () => rig.pass(MINUTE_MS));
  await finish(rig, two);
  expect(rig.count('edit')).toBe(1);
  expect(titlesOf(rig)).toEqual(['a', 'b']);
});

it('an edit whose answer is lost is found in the video at once, wherever that stands in the list', async () => {
  await using rig = await bilibiliRig({ listLagMs: 60 * MINUTE_MS });
  await deliver(rig, 'a.mp4');
  const two = await upload(rig, 'b.mp4');
  rig.fake.misbehave('edit', 'done-but-lost');
  await finish(rig, two);
  expect(titlesOf(rig)).toEqual(['a', 'b']);
});

it('a second file finds the video of a first one that nobody has heard of', async () => {
  await using rig = await bilibiliRig({ listLagMs: MINUTE_MS });
  const [one, two] = [await upload(rig, 'a.mp4'), await upload(rig, 'b.mp4')];
  rig.fake.misbehave('add', 'done-but-lost');
  await expectFault('transient', 'bilibili.submit_unclear', finish(rig, one));
  await expectFault('throttled', 'bilibili.joining', finish(rig, two));
  rig.pass(2 * MINUTE_MS);
  await finish(rig, two);
  await finish(rig, one);
  expect(rig.archives()).toHaveLength(1);
  expect(titlesOf(rig)).toEqual(['a', 'b']);
});

it('a first file that is refused leaves the turn to the next one', async () => {
  await using rig = await bilibiliRig();
  const [one, two] = [await upload(rig, 'a.mp4'), await upload(rig, 'b.mp4')];
  rig.fake.misbehave('add', 'code 21005');
  await expectFault('rejected', 'bilibili.tags_refused', finish(rig, one));
  await finish(rig, two);
  await finish(rig, one);
  expect(titlesOf(rig)).toEqual(['a', 'b']);
  expect(rig.archives()).toHaveLength(1);
});

it('a view that lags does not make a part of before vanish', async () => {
  await using rig = await bilibiliRig();
  await deliver(rig, 'a.mp4');
  await deliver(rig, 'b.mp4');
  const archive = theArchive(rig);
  const three = await upload(rig, 'c.mp4');
  const [first, second] = archive.videos;
  if (first === undefined || second === undefined) throw new Error('it has no two parts');
  for (const videos of [[first], [second], [first, first]]) {
    archive.before = { videos, untilMs: rig.fake.world.settings.now() + MINUTE_MS };
    await expectFault('transient', 'bilibili.archive_lags', finish(rig, three));
    rig.pass(MINUTE_MS);
  }
  await finish(rig, three);
  expect(titlesOf(rig)).toEqual(['a', 'b', 'c']);
});

it('a part that a person took out of an open video stays out; of one in review nobody can tell, and it is waited for', async () => {
  await using rig = await bilibiliRig();
  await deliver(rig, 'a.mp4');
  await deliver(rig, 'b.mp4');
  const archive = theArchive(rig);
  archive.videos = archive.videos.slice(0, 1);
  rig.pass(31 * MINUTE_MS);
  const three = await upload(rig, 'c.mp4');
  await expectFault('transient', 'bilibili.archive_lags', finish(rig, three));
  archive.state = 0;
  await finish(rig, three);
  expect(titlesOf(rig)).toEqual(['a', 'c']);
});

it('a part that Bilibili drops without a word has not arrived', async () => {
  await using rig = await bilibiliRig();
  await deliver(rig, 'a.mp4');
  const two = await upload(rig, 'b.mp4');
  rig.fake.misbehave('edit', 'forgotten', 2);
  for (let n = 1; n <= 2; n++) {
    const { retryAfterMs } = await expectFault('transient', 'bilibili.submit_unclear', finish(rig, two));
    rig.pass(retryAfterMs ?? 0);
  }
  await finish(rig, two);
  expect(titlesOf(rig)).toEqual(['a', 'b']);
});

it.each(['inspect', 'finish'] as const)('a part that %s finds to be in is waited for by the next one', async (call) => {
  await using rig = await bilibiliRig({ viewLagMs: 2 * MINUTE_MS });
  await deliver(rig, 'a.mp4');
  const [two, three] = [await upload(rig, 'b.mp4'), await upload(rig, 'c.mp4')];
  await expectFault('transient', 'bilibili.submit_unclear', finish(rig, two));
  rig.pass(2 * MINUTE_MS);
  if (call === 'finish') await finish(rig, two);
  else await rig.connect(JOIN).inspect(two.session, two.item, { from: 1, to: 1 }, ctx);
  expect(rig.count('edit')).toBe(1);
  const archive = theArchive(rig);
  const untilMs = rig.fake.world.settings.now() + MINUTE_MS;
  archive.before = { videos: archive.videos.slice(0, 1), untilMs };
  await expectFault('transient', 'bilibili.archive_lags', finish(rig, three));
  await untilDone(rig, three);
  expect(titlesOf(rig)).toEqual(['a', 'b', 'c']);
});

it('a video that is there no more is told to a person, whose retry makes another one', async () => {
  await using rig = await bilibiliRig();
  await deliver(rig, 'a.mp4');
  rig.fake.world.archives.pop();
  const two = await upload(rig, 'b.mp4');
  await expectFault('transient', 'bilibili.archive_lags', finish(rig, two));
  rig.pass(31 * MINUTE_MS);
  await expectFault('rejected', 'bilibili.archive_gone', finish(rig, two));
  await finish(rig, two);
  expect(titlesOf(rig)).toEqual(['b']);
});

it('so is one that is only known from whoever made it and could tell nobody', async () => {
  await using rig = await bilibiliRig();
  const cell = rig.cell('joins');
  const real = cell.swap;
  const telling = vi.spyOn(cell, 'swap').mockImplementation(async (v, value) => {
    if (JSON.stringify(value).includes('"aid"')) throw new Error('the table is away');
    return real(v, value);
  });
  await deliver(rig, 'a.mp4');
  telling.mockRestore();
  rig.fake.world.archives.pop();
  const two = await upload(rig, 'b.mp4');
  // The turn of the one that could not give it back.
  await expectFault('throttled', 'bilibili.joining', finish(rig, two));
  rig.pass(6 * MINUTE_MS);
  await expectFault('transient', 'bilibili.archive_lags', finish(rig, two));
  rig.pass(31 * MINUTE_MS);
  await expectFault('rejected', 'bilibili.archive_gone', finish(rig, two));
  await finish(rig, two);
  expect(titlesOf(rig)).toEqual(['b']);
});

it('a video of 100 parts takes no other one', async () => {
  await using rig = await bilibiliRig();
  await deliver(rig, 'a.mp4');
  const archive = theArchive(rig);
  const [video] = archive.videos;
  if (video === undefined) throw new Error('it has no part');
  archive.videos = Array.from({ length: 100 }, () => video);
  await expectFault('rejected', 'bilibili.archive_full', finish(rig, await upload(rig, 'b.mp4')));
  expect(rig.count('edit')).toBe(0);
});

it.each(['before it is done', 'after it is done'] as const)(
  'two files arrive once each in one video, whichever request the death of the second one comes %s',
  async (done) => {
    for (let n = 1; ; n++) {
      await using rig = await bilibiliRig({ lines: ['bda2'], listLagMs: 30_000 });
      await deliver(rig, 'a.mp4');
      const two = await upload(rig, 'b.mp4');
      rig.fake.cutFrom(n, done);
      await finish(rig, two).catch((error: unknown) => passing(rig, error));
      const isReached = rig.fake.mend();
      await untilDone(rig, two);
      await deliver(rig, 'c.mp4');
      expect(titlesOf(rig), `death at request ${n}`).toEqual(['a', 'b', 'c']);
      expect(rig.archives(), `death at request ${n}`).toHaveLength(1);
      if (!isReached) return;
      expect(n).toBeLessThan(20);
    }
  },
);

it.each([1, 3])(
  'two files arrive once each in one video, whichever %i writes the table loses of the first one',
  async (losses) => {
    for (let n = 1; ; n++) {
      await using rig = await bilibiliRig({ listLagMs: 30_000 });
      const [one, two] = [await upload(rig, 'a.mp4'), await upload(rig, 'b.mp4')];
      let left = n;
      for (const cell of [rig.shared, rig.cell('joins')]) {
        const real = cell.swap;
        vi.spyOn(cell, 'swap').mockImplementation(async (v, value) => {
          left -= 1;
          if (left <= 0 && left > -losses) throw new Error('the table is away');
          return real(v, value);
        });
      }
      await finish(rig, one).catch((error: unknown) => passing(rig, error));
      const isReached = left <= 0;
      left = Number.POSITIVE_INFINITY;
      await untilDone(rig, two);
      await untilDone(rig, one);
      expect(titlesOf(rig), `write ${n}`).toEqual(['a', 'b']);
      expect(rig.archives(), `write ${n}`).toHaveLength(1);
      if (!isReached) return;
      expect(n).toBeLessThan(20);
    }
  },
);

interface Uploaded {
  readonly item: Item;
  readonly session: Session;
  readonly receipts: readonly PartReceipt[];
  readonly settings: object;
}

async function deliver(rig: BilibiliRig, name: string, folder = '/evening', settings: object = {}) {
  return finish(rig, await upload(rig, name, folder, settings));
}

async function upload(rig: BilibiliRig, name: string, folder = '/evening', settings: object = {}): Promise<Uploaded> {
  const given = { ...JOIN, ...settings };
  const provider = rig.connect(given);
  const content = bytesOf(100, name.length);
  const item = { ...(await itemOf(provider, content, { name })), folder };
  const opened: Opened = await openFor(provider, item, content, rig.partBytes);
  return { item, session: opened.session, receipts: await putAll(opened), settings: given };
}

/** In another process. */
async function finish(rig: BilibiliRig, { item, session, receipts, settings }: Uploaded) {
  return rig.connect({ ...settings }).finish(session, item, receipts, ctx);
}

async function untilDone(rig: BilibiliRig, uploaded: Uploaded): Promise<void> {
  for (let round = 1; round <= 10; round++) {
    const done = await finish(rig, uploaded).catch((error: unknown) => passing(rig, error));
    if (done !== null) return;
  }
  throw new Error('it did not arrive in 10 rounds');
}

/** Does this between the answers to such requests and what is made of them. */
function afterAnswers(path: string, act: () => Promise<void>) {
  const real = globalThis.fetch;
  return vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const answer = await real(input, init);
    if (String(input).includes(path)) await act();
    return answer;
  });
}

function passing(rig: BilibiliRig, error: unknown): null {
  if (!(error instanceof Fault)) {
    if (!(error instanceof Error) || error.message !== 'the table is away') throw error;
    return null;
  }
  if (error.kind !== 'transient' && error.kind !== 'throttled') throw error;
  rig.pass(error.retryAfterMs ?? 1_000);
  return null;
}

function theArchive(rig: BilibiliRig): Archive {
  const [archive] = rig.archives();
  if (archive === undefined) throw new Error('no archive was made');
  return archive;
}

function titlesOf(rig: BilibiliRig): readonly string[] {
  return rig.archives().flatMap(({ videos }) => videos.map(({ title }) => title));
}
