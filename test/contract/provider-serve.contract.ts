/** The laws of ServeProvider, for every destination that asks us. See core/ports/provider.ts. */
import { expect } from 'vitest';
import type { Ask, CallContext, ReadAsk } from '#core/ports/provider.ts';
import { Receipt } from '#core/wire/transfer.ts';
import { expectFault } from './expect-fault.ts';
import { bytesOf, ctx, sha256 } from './push-rig.ts';
import {
  type AskingManner,
  bytesAnswer,
  cut,
  deliver,
  honestAnswers,
  inspect,
  type Opened,
  openFor,
  openServe,
  type ServeRig,
  serve,
  serveItem,
  settled,
  streamOf,
} from './serve-rig.ts';
import { type ContractRun, contract, type Laws } from './suite.ts';

export function serveProviderContract(run: ContractRun<ServeRig>): void {
  contract('serve provider', laws, run);
}

const SIZES: Readonly<Record<string, (severalReadsBytes: number) => number>> = {
  'no bytes': () => 0,
  'one byte': () => 1,
  'several reads': (several) => several,
  'several reads and a byte': (several) => several + 1,
};

const NAMES: Readonly<Record<string, string>> = {
  'in Chinese': '测试 影片·第1集.mp4',
  'with emoji of several code points': '👨‍👩‍👧‍👦 家庭 🎬.mp4',
  'with spaces, + and %': '100% a+b  c%2Fd%20e.mp4',
  'with # & and ;': 'a#b&c;d=e.mp4',
  'with decomposed accents': 'Cafe\u0301 A\u030a.mp4',
  'with a leading dot': '.hidden',
  'without an extension': 'README',
  'of 255 bytes of Chinese': `${'影'.repeat(83)}ab.mp4`,
};

const sizeLaws: Laws<ServeRig> = Object.fromEntries(
  Object.entries(SIZES).map(([size, sizeBytes]) => [
    `a file of ${size} arrives byte for byte`,
    async (rig) => arrives(rig, await openServe(rig, sizeBytes(rig.severalReadsBytes))),
  ]),
);

const nameLaws: Laws<ServeRig> = Object.fromEntries(
  Object.entries(NAMES).map(([kind, name]) => [
    `a name ${kind} arrives unchanged, in a folder that was not there`,
    async (rig) => arrives(rig, await openServe(rig, 100, { name, folder: '/名 前/b' })),
  ]),
);

const MANNERS: Readonly<Record<string, AskingManner>> = {
  'asks out of order are answered as they come': 'out of order',
  'asks that come twice do no harm': 'twice',
  'ranges that overlap do no harm': 'overlapping',
  'ranges that lie past the end are answered with what there is': 'past the end',
  'asks for ids that nobody attached are passed by': 'also of others',
  'asks may come before open has answered': 'before open answers',
  'digests are computed by the hasher that the ask brings': 'for digests first',
  'a file is done only when the destination has settled it': 'until settled',
};

const mannerLaws: Laws<ServeRig> = Object.fromEntries(
  Object.entries(MANNERS).map(([law, manner]) => [
    law,
    async (rig) => {
      expect(rig.behave(manner), 'this destination asks in this manner').toBe(true);
      const opened = await openServe(rig, rig.severalReadsBytes + 7, { folder: '/a' });
      const serving = serve([opened]);
      await serving.ended;
      if (manner === 'until settled') expect(await inspect(opened)).toMatchObject({ kind: 'settling' });
      if (manner === 'for digests first') expect(serving.asked.some(({ kind }) => kind === 'digest')).toBe(true);
      await expectComplete(rig, opened);
    },
  ]),
);

const servingLaws: Laws<ServeRig> = {
  'every answer given twice has the same result as once': async (rig) => {
    rig.behave('for digests first');
    const opened = await openServe(rig, rig.severalReadsBytes);
    await deliver(rig, opened, {
      answersTo: (ask, content) => honestAnswers(ask, content).flatMap((answer) => [answer, answer]),
    }).catch(unlessGone);
    await expectComplete(rig, opened);
  },

  'a long read may be answered in several pieces, ascending and touching': async (rig) => {
    const opened = await openServe(rig, rig.severalReadsBytes);
    await deliver(rig, opened, {
      answersTo: (ask, content) => {
        if (ask.kind !== 'read') return honestAnswers(ask, content);
        const { start, end } = cut(ask.range, content.byteLength);
        if (end - start < 3) return honestAnswers(ask, content);
        const middle = start + Math.ceil((end - start) / 3);
        return [bytesAnswer({ start, end: middle }, content), bytesAnswer({ start: middle, end }, content)];
      },
    });
    await expectComplete(rig, opened);
  },

  'several files are served over one stream, and none gets bytes of another': async (rig) => {
    const provider = rig.provider();
    const files = await Promise.all(
      [1, 2, 3].map((seed) => {
        const content = bytesOf(rig.severalReadsBytes + seed, seed);
        return openFor(provider, serveItem(content, { name: `${seed}.bin`, folder: '/f' }), content);
      }),
    );
    await serve(files).ended;
    for (const file of files) await expectComplete(rig, file);
  },

  'what nobody answered is asked again under the same names when asks is called anew': async (rig) => {
    const opened = await openServe(rig, rig.severalReadsBytes);
    const first = serve([opened], { meet: () => 'leave' });
    await first.came(1);
    await first.stop();
    const names = (asked: readonly Ask[]) => asked.flatMap((ask) => ('requestId' in ask ? [ask.requestId] : []));
    const again = serve([opened]);
    await again.ended;
    expect(names(again.asked)).toEqual(expect.arrayContaining(names(first.asked)));
    await expectComplete(rig, opened);
  },

  'a transfer is carried on by a new process that has the session as JSON': async (rig) => {
    const before = await openServe(rig, rig.severalReadsBytes);
    let met = 0;
    const first = serve([before], { meet: () => (++met > 1 ? 'leave' : undefined) });
    await first.came(1);
    await first.stop();
    const after = { ...before, provider: rig.provider(), session: JSON.parse(JSON.stringify(before.session)) };
    expect(await inspect(after)).toMatchObject({ kind: 'partial' });
    await arrives(rig, after);
    expect(await inspect({ ...after, provider: rig.provider() })).toMatchObject({ kind: 'complete' });
  },

  'an opening whose answer was lost is repeated without harm': async (rig) => {
    const lost = await openServe(rig, rig.severalReadsBytes);
    await arrives(rig, await openFor(rig.provider(), lost.item, lost.content));
  },

  'attach and detach repeat well, and a session that was let go of can be taken up again': async (rig) => {
    const opened = await openServe(rig, rig.severalReadsBytes);
    const { provider, session, item } = opened;
    await provider.attach(session, item, ctx);
    await provider.attach(session, item, ctx);
    provider.detach(session);
    provider.detach(session);
    await arrives(rig, opened);
  },

  'a session is at most 2 KiB of JSON, also for the longest path': async (rig) => {
    const name = 'n'.repeat(255);
    const longest = `/${Array.from({ length: 4 }, (_, i) => `${i}`.repeat(240)).join('/')}`;
    const folder = longest.slice(0, (rig.pathBytesMax ?? Number.POSITIVE_INFINITY) - name.length - 1);
    const { session } = await openServe(rig, 100, { folder, name });
    expect(Buffer.byteLength(JSON.stringify(session))).toBeLessThanOrEqual(2048);
  },

  'the receipt is valid and tells the size': async (rig) => {
    const opened = await openServe(rig, rig.severalReadsBytes, { folder: '/影视' });
    const holding = await deliver(rig, opened);
    if (holding.kind !== 'complete') throw new Error(`expected complete, got ${holding.kind}`);
    expect(Receipt.parse(holding.receipt)).toEqual(holding.receipt);
    expect(holding.receipt.sizeBytes).toBe(rig.severalReadsBytes);
  },
};

const holdLaws: Laws<ServeRig> = {
  'a session that was paused, twice, says partial, and goes on when it is resumed, twice': async (rig) => {
    const opened = await openServe(rig, rig.severalReadsBytes);
    const { provider, session, item } = opened;
    const first = serve([opened], { meet: () => 'leave' });
    await first.came(1);
    await provider.hold(session, item, 'pause', ctx);
    await provider.hold(session, item, 'pause', ctx);
    await first.stop();
    expect(await inspect(opened)).toMatchObject({ kind: 'partial' });
    const later = { ...opened, provider: rig.provider() };
    await later.provider.attach(session, item, ctx);
    await later.provider.hold(session, item, 'resume', ctx);
    await later.provider.hold(session, item, 'resume', ctx);
    await arrives(rig, later);
  },
};

const inspectLaws: Laws<ServeRig> = {
  'inspect of a session under way says partial': async (rig) => {
    const opened = await openServe(rig, rig.severalReadsBytes);
    const serving = serve([opened], { meet: () => 'leave' });
    await serving.came(1);
    expect(await inspect(opened)).toMatchObject({ kind: 'partial' });
    await serving.stop();
  },

  'inspect after the end says complete with the same receipt, as often as it is asked': async (rig) => {
    const opened = await openServe(rig, rig.severalReadsBytes, { folder: '/a' });
    const holding = await deliver(rig, opened);
    expect(holding.kind).toBe('complete');
    for (const provider of [opened.provider, rig.provider()]) {
      expect(await inspect({ ...opened, provider })).toEqual(holding);
    }
  },

  'inspect of a session that the destination has forgotten says gone, and its answers are Fault gone': async (rig) => {
    const { opened, ask } = await expired(rig);
    expect(await inspect(opened)).toEqual({ kind: 'gone' });
    const [answer] = honestAnswers(ask, opened.content);
    if (answer !== undefined) await expectFault('gone', null, opened.provider.answer(ask, answer, ctx));
  },

  'after a forgotten session the same transfer is opened anew and arrives': async (rig) => {
    const { opened } = await expired(rig);
    await arrives(rig, await openFor(rig.provider(), opened.item, opened.content));
  },

  'a session that is not ours is Fault gone': async (rig) => {
    const opened = { ...(await openServe(rig, 100)), session: { of: 'another deploy' } };
    await expectFault('gone', null, inspect(opened));
  },
};

const discardLaws: Laws<ServeRig> = {
  'discard leaves nothing behind, and repeating it is fine': async (rig) => {
    const opened = await openServe(rig, rig.severalReadsBytes);
    const serving = serve([opened], { meet: () => 'leave' });
    await serving.came(1);
    await serving.stop();
    await discard(opened);
    await discard({ ...opened, provider: rig.provider() });
    expect(await rig.listFarSide()).toEqual([]);
  },

  'discard of a forgotten session is fine': async (rig) => {
    await discard((await expired(rig)).opened);
  },

  'discard after the end keeps the finished file, and nothing else is left': async (rig) => {
    const opened = await openServe(rig, rig.severalReadsBytes);
    await deliver(rig, opened);
    await discard(opened);
    await expectComplete(rig, opened);
    expect(await rig.listFarSide()).toHaveLength(1);
  },
};

const failureLaws: Laws<ServeRig> = Object.assign(
  Object.fromEntries(
    (['ends early', 'errors'] as const).map((fault) => [
      `a body that ${fault} is refused, and the same ask can be answered again`,
      async (rig: ServeRig) => {
        const opened = await openServe(rig, rig.severalReadsBytes);
        await withFirstRead(opened, async (ask) => {
          const answer = bytesAnswer(cut(ask.range, opened.content.byteLength), opened.content);
          const half = async () => streamOf(opened.content.subarray(answer.range.start, answer.range.end), fault);
          await expect(opened.provider.answer(ask, { ...answer, open: half }, ctx)).rejects.toThrow();
        });
        expect(await rig.readBack(opened.item)).toBeNull();
        await arrives(rig, opened);
      },
    ]),
  ),
  {
    'an abort ends an answer at once with its reason': async (rig) => {
      const opened = await openServe(rig, rig.severalReadsBytes);
      await withFirstRead(opened, async (ask) => {
        const answer = bytesAnswer(cut(ask.range, opened.content.byteLength), opened.content);
        const opening = Promise.withResolvers<void>();
        const open = async () => {
          opening.resolve();
          return streamOf(opened.content.subarray(answer.range.start, answer.range.end), 'stalls');
        };
        const abort = new AbortController();
        const reason = new Error('the lease is about to be lost');
        const refused = expect(opened.provider.answer(ask, { ...answer, open }, { signal: abort.signal })).rejects.toBe(
          reason,
        );
        await opening.promise;
        abort.abort(reason);
        await refused;
      });
      await arrives(rig, opened);
    },

    'an abort ends the stream of asks with its reason': async (rig) => {
      const { provider, session, item } = await openServe(rig, rig.severalReadsBytes);
      await provider.attach(session, item, ctx);
      const abort = new AbortController();
      const reason = new Error('the relay is ending');
      const first = Promise.withResolvers<void>();
      const reading = (async () => {
        for await (const _ of provider.asks({ signal: abort.signal })) first.resolve();
      })();
      const refused = expect(reading).rejects.toBe(reason);
      await first.promise;
      abort.abort(reason);
      await refused;
      provider.detach(session);
    },

    'a call whose signal has aborted already does nothing and rejects with the reason': async (rig) => {
      const opened = await openServe(rig, rig.severalReadsBytes);
      const { provider, session, item } = opened;
      const reason = new Error('canceled');
      const aborted: CallContext = { signal: AbortSignal.abort(reason) };
      const other = serveItem(bytesOf(100, 7), { name: 'other' });
      await expect(provider.open(other, aborted)).rejects.toBe(reason);
      await expect(provider.attach(session, item, aborted)).rejects.toBe(reason);
      await expect(provider.hold(session, item, 'pause', aborted)).rejects.toBe(reason);
      await expect(provider.inspect(session, item, aborted)).rejects.toBe(reason);
      await expect(provider.discard(session, item, aborted)).rejects.toBe(reason);
      await expect(provider.check(aborted)).rejects.toBe(reason);
      await arrives(rig, opened);
    },

    'check of a destination that takes files says so and leaves nothing behind': async (rig) => {
      const report = await rig.provider().check(ctx);
      expect(report.message).not.toBe('');
      expect(await rig.listFarSide()).toEqual([]);
    },

    'check of a destination that takes no files throws the Fault that a transfer would meet': async (rig) => {
      const { provider, kind } = await rig.failing();
      const fault = await expectFault(kind, null, provider.check(ctx));
      await expectFault(kind, fault.code, provider.open(serveItem(bytesOf(100)), ctx));
    },
  } satisfies Laws<ServeRig>,
);

const laws: Laws<ServeRig> = {
  ...sizeLaws,
  ...nameLaws,
  ...mannerLaws,
  ...servingLaws,
  ...holdLaws,
  ...inspectLaws,
  ...discardLaws,
  ...failureLaws,
};

/** Serves to the end, and the file is there, whole. */
async function arrives(rig: ServeRig, opened: Opened): Promise<void> {
  await serve([opened]).ended;
  await expectComplete(rig, opened);
}

async function expectComplete(rig: ServeRig, opened: Opened): Promise<void> {
  expect(await settled(rig, opened)).toMatchObject({ kind: 'complete' });
  const found = await rig.readBack(opened.item);
  if (found === null) throw new Error('there is no finished file of this name');
  expect(found.byteLength).toBe(opened.item.sizeBytes);
  expect(sha256(found)).toBe(sha256(opened.content));
}

/** Calls back with the first read that comes, which stays without another answer. */
async function withFirstRead(opened: Opened, meet: (ask: ReadAsk) => Promise<void>): Promise<void> {
  const found = Promise.withResolvers<ReadAsk>();
  const serving = serve([opened], {
    meet: (ask) => {
      if (ask.kind === 'read') found.resolve(ask);
      return ask.kind === 'read' ? 'leave' : undefined;
    },
  });
  serving.ended.catch(found.reject);
  await meet(await found.promise);
  await serving.stop();
}

/** A session that the far side has forgotten, with a question of its time. */
async function expired(rig: ServeRig) {
  const opened = await openServe(rig, rig.severalReadsBytes, { folder: '/a' });
  let ask: ReadAsk | undefined;
  await withFirstRead(opened, async (first) => {
    ask = first;
  });
  if (ask === undefined) throw new Error('nothing was read');
  await rig.expireSession(opened.session, opened.item);
  return { opened, ask };
}

function discard({ provider, session, item }: Opened): Promise<void> {
  return provider.discard(session, item, ctx);
}

/** An answer may be repeated when the destination has closed the session upon the first. */
function unlessGone(error: unknown): void {
  if (!(error instanceof Error && 'kind' in error && error.kind === 'gone')) throw error;
}
