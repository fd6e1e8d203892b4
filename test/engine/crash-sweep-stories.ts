/** What files meet on their way, as the crash sweep tells it again and again. */
import { Fault } from '#core/fault.ts';
import { openAsks } from '#core/intake/announce.ts';
import { giveAnswers } from '#core/intake/answers.ts';
import type { PushProvider } from '#core/ports/provider.ts';
import { headKey } from '#core/state.ts';
import { cancel, retry } from '#core/transfer/wishes.ts';
import { bytesOf } from '../simulation/chance.ts';
import { digestOf } from '../simulation/streams.ts';
import type { Freight, Run, Story } from './crash-sweep-run.ts';
import type { FileOptions, LabFile } from './lab.ts';

/** A destination that cannot tell what it holds, and names a part anew each time it is put. */
export const blind = { canList: false, freshTags: true } as const;

/** Of the first file that a lab makes. */
export const sha1Of = (sizeBytes: number): string => digestOf('sha1', bytesOf(sizeBytes, 1));

/** Every chunk is staged at once. */
export function staged(options: FileOptions): Story['tell'] {
  return async (run) => {
    const file = await run.announce(options);
    await run.lab.stage(file);
    return freightOf(file);
  };
}

/** Chunks come while it runs, not in order, sooner and later than the engine looks for them. */
export async function cutThrough(run: Run): Promise<Freight> {
  const file = await run.announce({ sizeBytes: 75 });
  const arrivals: readonly [readonly number[], number][] = [
    [[1], 700],
    [[3, 2], 150],
    [[5], 3_000],
    [[4], 90_000],
    [[8, 7, 6], 0],
  ];
  for (const [numbers, pauseMs] of arrivals) {
    await run.lab.stage(file, numbers);
    await run.pass(pauseMs);
  }
  return freightOf(file);
}

export async function fromInbox(run: Run): Promise<Freight> {
  return run.putObject('inbox/rig/films/film.mp4', bytesOf(73, 7));
}

/** A client that claims a digest and answers what it is asked from its own copy, before it stages anything. */
export function answeringClient(stages: 'staged' | 'never'): Story['tell'] {
  return async (run) => {
    const sizeBytes = 45;
    run.world.rigs.get('rig')?.knows(stages === 'never' ? bytesOf(sizeBytes, 1) : bytesOf(sizeBytes, 2));
    const file = await run.announce({ sizeBytes, digests: { sha1: sha1Of(sizeBytes) } });
    if (stages === 'staged') {
      await run.lab.stage(file);
      return freightOf(file);
    }
    await run.until(async () => {
      const row = await run.lab.row(file.transferIds[0] ?? missing());
      const answers = openAsks([row]).map(({ id, start, end }) => ({
        id,
        digest: digestOf('sha1', file.content.subarray(start, end)),
      }));
      if (answers.length > 0) await run.ask(({ intake }) => giveAnswers(intake, file.upload, answers));
      return row.queue === null;
    });
    return freightOf(file);
  };
}

/** Puts two questions, one after the other, before it believes that the client has the file. */
export const instantByDigest: NonNullable<Story['sabotage']> = () => ({
  provider: (bare): PushProvider => ({
    ...bare,
    open: async (item, ctx) => {
      const asks = [
        { id: 'first', algorithm: 'sha1', start: 3, end: 20 },
        { id: 'second', algorithm: 'sha1', start: 30, end: 44 },
      ] as const;
      const next = asks.find(({ id }) => item.answers[id] === undefined);
      return next === undefined ? bare.open(item, ctx) : { kind: 'ask', asks: [next] };
    },
  }),
});

/** Half of the chunks are there and parts are under way when somebody cancels. */
export const canceledUnderWay: Story = {
  rigs: { rig: { putMs: () => 1_500 } },
  outcome: 'canceled',
  tell: async (run) => {
    const file = await run.announce({ sizeBytes: 160 });
    await run.lab.stage(file, [1, 2, 3, 4, 5, 6, 7, 8]);
    await run.pass(2_000);
    const [id = missing()] = file.transferIds;
    await run.ask(({ engine }) => cancel(engine, id));
    return freightOf(file);
  },
};

/** The only part of a file takes its time when somebody cancels. */
export const shortCanceledUnderWay: Story = {
  rigs: { rig: { putMs: () => 1_500 } },
  outcome: 'canceled',
  tell: async (run) => {
    const file = await run.announce({ sizeBytes: 9 });
    await run.lab.stage(file);
    await run.pass(1_000);
    const [id = missing()] = file.transferIds;
    await run.ask(({ engine }) => cancel(engine, id));
    return freightOf(file);
  },
};

/** The destination refuses parts after the sixth until somebody mends it and tries again. */
export const triedAgain: Story = {
  attempts: 2,
  trouble: (method, { landings, isMended }) =>
    method === 'put' && landings.size >= 6 && !isMended() ? new Fault('auth', 'rig.auth', 'log in again') : null,
  tell: async (run) => {
    const file = await run.announce({ sizeBytes: 120 });
    await run.lab.stage(file);
    const [id = missing()] = file.transferIds;
    await run.until(async () => (await run.world.table.get(headKey(id)))?.phase === 'failed');
    run.mend();
    await run.ask(({ engine }) => retry(engine, id).catch(unlessTriedAgain));
    return freightOf(file);
  },
};

/** Whoever got no answer asks again, and is told that it has been done. */
function unlessTriedAgain(error: unknown): void {
  if (!(error instanceof Fault) || error.code !== 'transfer.not_failed') throw error;
}

function freightOf({ upload, content, transferIds }: LabFile): Freight {
  return { uploadId: upload.uploadId, content, transferIds };
}

function missing(): never {
  throw new Error('a file without a transfer');
}
