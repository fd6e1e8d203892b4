/** The engine over a bucket in memory, in many functions, with a destination at the fake Bilibili. Time is real. */
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { laneDispatcher, lanes } from '#adapters/lanes/dispatcher.ts';
import { memoryCells } from '#adapters/memory/cells.ts';
import { memoryProgress } from '#adapters/memory/progress.ts';
import { memoryStaging } from '#adapters/memory/staging.ts';
import { memoryWorkTable } from '#adapters/memory/work-table.ts';
import { systemClock } from '#adapters/system/clock.ts';
import { sealedAccounts } from '#adapters/vault/accounts.ts';
import { cellDestinations } from '#adapters/vault/destinations.ts';
import { sealKey } from '#adapters/vault/seal.ts';
import { newUploadId, transferIdFrom } from '#core/ids.ts';
import { createUpload } from '#core/intake/announce.ts';
import { receive } from '#core/intake/receive.ts';
import type { Engine } from '#core/transfer/engine.ts';
import { retry } from '#core/transfer/wishes.ts';
import { chunkKey } from '#core/wire/keys.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import { bilibiliKind } from '#providers/bilibili/provider.ts';
import { moveHandler } from '../../../functions/move.ts';
import { bytesOf } from '../../contract/push-rig.ts';
import { startFakeBilibili } from '../../fakes/bilibili/server.ts';
import { contentOf, cookieHeader } from '../../fakes/bilibili/world.ts';
import { NO_STORE, nothing } from '../../support/no-store.ts';

const PART = 65_536;
const CONTENT = bytesOf(7 * PART - 5);

it('a file goes through many functions, each of them a process, each part once and nothing asked for twice', async () => {
  await using home = await started({ partsPerFunction: 2 });
  const view = await home.deliver();
  expect(view).toMatchObject({ phase: 'done', receipt: { evidence: 'C', sizeBytes: CONTENT.length } });
  const [archive] = home.fake.world.archives;
  expect(archive?.bvid).toBe(view.receipt?.remoteId);
  expect(contentOf(home.fake.world, archive?.videos[0]?.filename ?? '')).toEqual(Buffer.from(CONTENT));
  expect(home.counts()).toEqual({ preupload: 1, init: 1, part: 7, complete: 1, add: 1 });
  expect(home.functions()).toBeGreaterThanOrEqual(4);
});

it('a file whose words were refused is submitted by a retry after they were mended, without a byte sent again', async () => {
  await using home = await started({ partsPerFunction: 100 });
  home.fake.misbehave('add', 'code 21005');
  const failed = await home.deliver();
  expect(failed).toMatchObject({ phase: 'failed', error: { code: 'bilibili.tags_refused' } });
  await home.set({ tags: ['别的'] });
  const view = await home.retry(failed);
  expect(view).toMatchObject({ phase: 'done' });
  expect(home.fake.world.archives.map(({ submission }) => submission['tag'])).toEqual(['别的']);
  expect(home.counts()).toEqual({ preupload: 1, init: 1, part: 7, complete: 1, add: 2 });
});

async function started({ partsPerFunction }: { readonly partsPerFunction: number }) {
  const clock = systemClock();
  const fake = await startFakeBilibili({ chunkBytes: PART });
  const [table, cells, progress, staging] = [
    memoryWorkTable(),
    memoryCells(),
    memoryProgress(),
    memoryStaging(clock),
  ] as const;
  const accounts = sealedAccounts(cells, sealKey(randomBytes(32)));
  const connected = () =>
    cellDestinations({ cells, accounts, kinds: [bilibiliKind], clock, staging: NO_STORE, underWay: nothing });
  const destinations = connected();
  const settings = { tid: 160, tags: ['测试'], endpoints: fake.hosts };
  const credentials = { cookies: cookieHeader(fake.session) };
  await destinations.create({ id: 'bili', provider: 'bilibili', settings, credentials });
  let functions = 0;
  const engine: Engine = {
    table,
    cells,
    source: staging,
    dispatcher: { send: async (jobs, options) => laneDispatcher(moving).send(jobs, options) },
    destinations,
    progress,
    clock,
    log: { info: () => {}, error: () => {} },
    limits: { files: 3, parts: 5, functionParts: 5, finishPatienceMs: 0 },
    newHolder: () => `process1/${randomBytes(9).toString('base64url')}`,
  };
  const count = (wanted: string) => fake.asked.filter(({ operation }) => operation === wanted).length;
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined);
  const moving = lanes({
    handler: (event, context) => {
      functions += 1;
      const before = count('part');
      const isOver = () => count('part') - before >= partsPerFunction;
      // Too little for a file to be sent in one go.
      const budget = { remainingMs: () => (isOver() ? 0 : 500), signal: new AbortController().signal };
      return moveHandler({ ...engine, destinations: connected() }, () => budget)(event, context);
    },
    concurrency: 4,
    batchSize: 1,
    clock,
    budgetMs: 60_000,
    maxReceives: 3,
    onFailure: (_body, error) => broken.reject(error),
  });

  async function ended(begin: () => Promise<void>): Promise<TransferView> {
    const end = Promise.withResolvers<TransferView>();
    const unsubscribe = progress.subscribe((rumours) => {
      for (const rumour of rumours) {
        if (rumour.kind === 'transfer' && rumour.view.endedAt !== null) end.resolve(rumour.view);
      }
    });
    await begin();
    return Promise.race([end.promise, broken.promise]).finally(unsubscribe);
  }

  async function announce(): Promise<void> {
    const uploadId = newUploadId(clock);
    const layout = { kind: 'chunks', chunkBytes: PART, count: Math.ceil(CONTENT.length / PART) } as const;
    for (let number = 1; number <= layout.count; number++) {
      staging.put(chunkKey(uploadId, number), CONTENT.subarray((number - 1) * PART, number * PART));
    }
    const intake = { ...engine, bucketName: 'staging', staging };
    await createUpload(intake, {
      v: 1,
      uploadId,
      ownerId: 'local',
      name: 'film.mkv',
      sizeBytes: CONTENT.length,
      layout,
      digests: {},
      specs: [{ transferId: transferIdFrom(uploadId, 0), destinationId: 'bili', folder: '/' }],
      createdAt: clock.now(),
      sweptAt: null,
    });
    await receive(intake, [chunkKey(uploadId, 1)]);
  }

  return {
    fake,
    functions: () => functions,
    counts: () =>
      Object.fromEntries(['preupload', 'init', 'part', 'complete', 'add'].map((name) => [name, count(name)])),
    deliver: () => ended(announce),
    /** Without a wait between two submissions. */
    set: async (words: object) => {
      await destinations.change('bili', { settings: { ...settings, ...words, spacingSeconds: 0 } });
    },
    retry: ({ id }: TransferView) => ended(() => retry(engine, id)),
    [Symbol.asyncDispose]: async () => {
      await moving.drain(AbortSignal.timeout(10_000));
      await fake.close();
    },
  };
}
