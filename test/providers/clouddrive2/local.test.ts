/** The ways that ask by themselves: into a mount, and by WebDAV. */
import { createHash } from 'node:crypto';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Answer, ReadAsk } from '#core/ports/provider.ts';
import { expectFault } from '../../contract/expect-fault.ts';
import { bytesOf, ctx } from '../../contract/push-rig.ts';
import {
  bytesAnswer,
  honestAnswers,
  inspect,
  type Opened,
  openFor,
  serve,
  serveItem,
  settled,
} from '../../contract/serve-rig.ts';
import { cloudDrive2Rig, PREFIX } from './rig.ts';

const MIB = 1024 * 1024;
const content = bytesOf(300_007);
const sha1 = createHash('sha1').update(content).digest('hex');

describe.each(['mount', 'webdav'] as const)('a file that is carried by %s', (way) => {
  it('is settling until the task list says that the cloud has it, however complete the tree shows it', async () => {
    await using it = await cloudDrive2Rig([way]);
    const opened = await openFor(it.provider(), serveItem(content), content);
    await serve([opened]).ended;
    expect(it.fake.unsentFiles()).toEqual([it.pathOf(opened.item)]);
    await it.fake.time.advance(3_600_000);
    expect(await inspect(opened)).toEqual({ kind: 'settling', lookAgainMs: 3_000 });
    it.fake.flushWrites();
    expect(await inspect(opened)).toMatchObject({ kind: 'complete', receipt: { evidence: 'C', checkedBy: 'size' } });
  });

  it('of which a server drops the finished task counts after it has stood there quietly for 10 s', async () => {
    await using it = await cloudDrive2Rig([way]);
    it.fake.habits.delete('finished tasks stay in the list');
    const opened = await openFor(it.provider(), serveItem(content), content);
    await serve([opened]).ended;
    it.fake.flushWrites();
    expect(await inspect(opened)).toMatchObject({ kind: 'settling' });
    await it.fake.time.advance(9_999);
    expect(await inspect(opened)).toMatchObject({ kind: 'settling' });
    await it.fake.time.advance(1);
    expect(await inspect(opened)).toMatchObject({ kind: 'complete' });
  });

  it('never takes the name of a file that came in between', async () => {
    await using it = await cloudDrive2Rig([way]);
    const opened = await openFor(it.provider(), serveItem(content), content);
    const stranger = Buffer.from('of somebody else');
    if (way === 'mount') await writeFile(join(it.mountPoint, PREFIX, 'film.mp4'), stranger);
    else it.fake.tree.addFile({ path: it.pathOf(opened.item), sizeBytes: 16, hashes: {}, content: stranger });
    await expectFault('gone', 'clouddrive2.name_taken', serve([opened]).ended);
    it.fake.flushWrites();
    const again = await openFor(it.provider(), opened.item, content);
    await serve([again]).ended;
    expect(await settled(it, again)).toMatchObject({ receipt: { location: 'clouddrive2:/115/收件/film (2).mp4' } });
    expect(it.fake.tree.find(it.pathOf(opened.item))?.content).toEqual(stranger);
  });

  it('replaces what has its name, and is not taken for it', async () => {
    await using it = await cloudDrive2Rig([way]);
    const old = Buffer.alloc(content.length);
    if (way === 'mount') await writeFile(join(it.mountPoint, PREFIX, 'film.mp4'), old);
    else it.fake.tree.addFile({ path: `${PREFIX}/film.mp4`, sizeBytes: old.length, hashes: {}, content: old });
    it.fake.flushWrites();
    await it.fake.time.advance(2_000);
    const opened = await openFor(it.connect({ onConflict: 'replace' }), serveItem(content), content);
    expect(await inspect(opened)).toMatchObject({ kind: 'partial' });
    await serve([opened]).ended;
    expect(await settled(it, opened)).toMatchObject({ kind: 'complete' });
    expect(it.fake.tree.find(`${PREFIX}/film.mp4`)?.content?.equals(content)).toBe(true);
    expect(it.fake.tree.files()).toEqual([`${PREFIX}/film.mp4`]);
  });

  it('is not asked for while it is paused, and goes on where it was', async () => {
    await using it = await cloudDrive2Rig([way]);
    const { provider, session, item } = await openFor(it.provider(), serveItem(content), content);
    await provider.attach(session, item, ctx);
    await provider.hold(session, item, 'pause', ctx);
    const abort = new AbortController();
    const asks = provider.asks({ signal: abort.signal })[Symbol.asyncIterator]();
    const first = asks.next();
    await provider.hold(session, item, 'resume', ctx);
    expect((await first).value).toMatchObject({ kind: 'read' });
    abort.abort();
    provider.detach(session);
  });
});

describe('a file in a mount', () => {
  it('is compared with its hash before it gets its name', async () => {
    await using it = await cloudDrive2Rig(['mount']);
    const item = serveItem(content, { digests: { sha1: 'ab'.repeat(20) } });
    const opened = await openFor(it.provider(), item, content);
    await expectFault('gone', 'clouddrive2.content_differs', serve([opened]).ended);
    expect(await readdir(join(it.mountPoint, PREFIX))).toEqual([]);
    const right = await openFor(it.provider(), serveItem(content, { digests: { sha1 } }), content);
    await serve([right]).ended;
    expect((await readFile(join(it.mountPoint, PREFIX, 'film.mp4'))).equals(content)).toBe(true);
  });

  it('goes on behind what is sure to be on the disk', async () => {
    await using it = await cloudDrive2Rig(['mount']);
    const item = { ...serveItem(new Uint8Array(0)), sizeBytes: 100 * MIB };
    const opened = await openFor(it.provider(), item, new Uint8Array(0));
    const [temporary = ''] = await readdir(join(it.mountPoint, PREFIX));
    await truncate(join(it.mountPoint, PREFIX, temporary), 50 * MIB);
    expect(await inspect(opened)).toEqual({ kind: 'partial', heldBytes: 32 * MIB });
    const serving = serve([opened], { meet: () => 'leave' });
    await serving.came(1);
    await serving.stop();
    expect(serving.asked[0]).toMatchObject({ kind: 'read', range: { start: 32 * MIB, end: 36 * MIB } });
  });
});

describe('a file by WebDAV', () => {
  it('is put in one request when its last byte is there, and moved to its name', async () => {
    await using it = await cloudDrive2Rig(['webdav']);
    const opened = await openFor(it.provider(), serveItem(content), content);
    const serving = serve([opened], { answersTo: slices });
    await serving.ended;
    expect(rangesOf(serving.asked)).toEqual([
      [300_006, 300_007],
      [0, 300_007],
    ]);
    expect(it.dav.requests.filter((line) => /^(PUT|MOVE)/.test(line)).map((line) => line.split(' ')[0])).toEqual([
      'PUT',
      'MOVE',
    ]);
    expect(await settled(it, opened)).toMatchObject({ kind: 'complete' });
  });

  it('begins anew when the put breaks off in its middle, in the same session', async () => {
    await using it = await cloudDrive2Rig(['webdav']);
    const opened = await openFor(it.provider(), serveItem(content), content);
    const { provider, session, item } = opened;
    await provider.attach(session, item, ctx);
    const asks = provider.asks(ctx)[Symbol.asyncIterator]();
    const whole = await untilWhole(opened, asks);
    const [first, second, ...rest] = slices(whole, content);
    if (first === undefined || second === undefined) throw new Error('no slices');
    await provider.answer(whole, first, ctx);
    const broken: Answer = {
      ...second,
      open: async () => {
        throw new Error('the bucket is away');
      },
    } as Answer;
    await expect(provider.answer(whole, broken, ctx)).rejects.toThrow();
    for (const slice of [second, ...rest]) await provider.answer(whole, slice, ctx);
    const again = await nextRead(asks);
    expect(again).toMatchObject({ range: whole.range });
    expect(again.requestId).not.toBe(whole.requestId);
    for (const slice of slices(again, content)) await provider.answer(again, slice, ctx);
    expect(await settled(it, opened)).toMatchObject({ kind: 'complete' });
    provider.detach(session);
  });

  it.each([
    [413, 'rejected', 'clouddrive2.dav_too_large'],
    [507, 'rejected', 'clouddrive2.full'],
    [403, 'auth', 'clouddrive2.dav_no_right'],
    [500, 'transient', 'clouddrive2.dav_failed'],
  ] as const)(
    'that is refused with %i before its end is told so, and not as a broken pipe',
    async (code, kind, fault) => {
      await using it = await cloudDrive2Rig(['webdav']);
      const large = bytesOf(4 * MIB);
      const opened = await openFor(it.provider(), serveItem(large), large);
      it.dav.failNext('PUT', code);
      await expectFault(kind, fault, serve([opened]).ended);
    },
  );

  it('whose move failed is not put again', async () => {
    await using it = await cloudDrive2Rig(['webdav']);
    const opened = await openFor(it.provider(), serveItem(content), content);
    it.dav.failNext('MOVE', 500);
    await expectFault('transient', 'clouddrive2.dav_failed', serve([opened]).ended);
    expect(await inspect(opened)).toEqual({ kind: 'partial', heldBytes: content.length });
    const later = { ...opened, provider: it.provider() };
    const serving = serve([later]);
    await serving.ended;
    expect(it.dav.requests.filter((line) => line.startsWith('PUT'))).toHaveLength(1);
    expect(await settled(it, later)).toMatchObject({ kind: 'complete' });
  });

  it.each([content, new Uint8Array(0)])(
    'whose move was done and not answered is found at its name: %#',
    async (bytes) => {
      await using it = await cloudDrive2Rig(['webdav']);
      const opened = await openFor(it.provider(), serveItem(bytes), bytes);
      it.fake.habits.add('WebDAV loses the answer of a move');
      const { provider, session, item } = opened;
      await provider.attach(session, item, ctx);
      const asks = provider.asks(ctx)[Symbol.asyncIterator]();
      const whole = bytes.length === 0 ? await nextRead(asks) : await untilWhole(opened, asks);
      const [answer] = honestAnswers(whole, bytes);
      if (answer === undefined) throw new Error('no answer');
      await expectFault('transient', 'clouddrive2.dav_failed', provider.answer(whole, answer, ctx));
      await provider.answer(whole, answer, ctx);
      expect(await settled(it, opened)).toMatchObject({ receipt: { location: `clouddrive2:${PREFIX}/film.mp4` } });
      expect(it.dav.requests.filter((line) => line.startsWith('PUT'))).toHaveLength(1);
      provider.detach(session);
    },
  );

  it('that the server cannot bring to its cloud is told with its text, and looked for again', async () => {
    await using it = await cloudDrive2Rig(['webdav']);
    it.fake.habits.add('the cloud is full');
    const opened = await openFor(it.provider(), serveItem(content), content);
    await serve([opened]).ended;
    it.fake.flushWrites();
    const fault = await expectFault('rejected', 'clouddrive2.full', inspect(opened));
    expect(fault.message).toMatch(/quota exceeded/);
  });

  it('waits for gRPC to say that it is done', async () => {
    await using it = await cloudDrive2Rig(['webdav']);
    it.fake.stop();
    const opened = await openFor(it.provider(), serveItem(content), content);
    await serve([opened]).ended;
    expect(await inspect(opened)).toEqual({ kind: 'settling', lookAgainMs: 15_000 });
    await it.fake.start();
    it.fake.flushWrites();
    expect(await inspect({ ...opened, provider: it.provider() })).toMatchObject({ kind: 'complete' });
  });
});

/** As the lane gives a long read. */
function slices(ask: Parameters<typeof honestAnswers>[0], bytes: Uint8Array<ArrayBuffer>): readonly Answer[] {
  if (ask.kind !== 'read' || ask.range.end - ask.range.start < 100_000) return honestAnswers(ask, bytes);
  const cuts = [ask.range.start, 100_000, 200_000, ask.range.end];
  return cuts.slice(1).map((end, index) => bytesAnswer({ start: cuts[index] ?? 0, end }, bytes));
}

function rangesOf(asked: readonly { readonly kind: string }[]): readonly unknown[] {
  return asked.flatMap((ask) =>
    ask.kind === 'read' ? [[(ask as ReadAsk).range.start, (ask as ReadAsk).range.end]] : [],
  );
}

type Asks = AsyncIterator<{ readonly kind: string }>;

async function nextRead(asks: Asks): Promise<ReadAsk> {
  for (;;) {
    const { value, done } = await asks.next();
    if (done === true) throw new Error('the asks have ended');
    if (value.kind === 'read') return value as ReadAsk;
  }
}

/** Answers the look at the end. */
async function untilWhole({ provider, content: bytes }: Opened, asks: Asks): Promise<ReadAsk> {
  const look = await nextRead(asks);
  for (const answer of honestAnswers(look, bytes)) await provider.answer(look, answer, ctx);
  return nextRead(asks);
}
