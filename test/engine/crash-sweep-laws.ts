/** A story is told once for every effect and once more: everything dies just before it, or just after it. Then the laws are asked. */
import { headKey, uploadKey } from '#core/state.ts';
import type { TransferId } from '#core/wire/ids.ts';
import { type Death, ended, type Freight, type Run, removed, type Story, startRun } from './crash-sweep-run.ts';
import { LIMITS } from './lab.ts';

const TAIL_LINES = 60;

/**
 * Answers how many effects the story has; of a story that takes long, only `every` so many are deaths. Throws at the first death
 * that breaks a law: which, and what happened last.
 */
export async function sweepCrashes(story: Story, every = 1): Promise<number> {
  const calm = await outlive(story, null, []);
  for (let effect = 1; effect <= calm.length; effect += every) {
    await outlive(story, { effect, side: 'before' }, calm);
    await outlive(story, { effect, side: 'after' }, calm);
  }
  return calm.length;
}

async function outlive(story: Story, death: Death | null, calm: readonly string[]): Promise<readonly string[]> {
  const run = startRun(story, death);
  try {
    const freight = await story.tell(run);
    await ended(run, freight);
    for (const [index, id] of freight.transferIds.entries()) await judge(story, run, freight, id, index);
    await removed(run, freight);
    await judgeRemains(run, freight);
    if (death !== null && !run.isCrashed()) throw new Error('the run has fewer effects than the calm one');
    const strange = run.effects.findIndex((effect, at) => death !== null && effect !== calm[at]);
    if (strange >= 0)
      throw new Error(`effect ${strange + 1} is ${run.effects[strange]}, in the calm run ${calm[strange]}`);
    return run.effects;
  } catch (error) {
    const [what = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    const when =
      death === null
        ? 'without any death'
        : `dead ${death.side} effect ${death.effect} of ${calm.length} (${calm[death.effect - 1]})`;
    const tail = run.world.journal.tail().split('\n').slice(-TAIL_LINES).join('\n');
    throw new Error(`${when}: ${what}\n${tail}`, { cause: error });
  }
}

async function judge(story: Story, run: Run, freight: Freight, id: TransferId, index: number): Promise<void> {
  const { world } = run;
  const head = await run.head(id);
  const { outcome = 'done', attempts = 1 } = story;
  const { phase } = head.step;
  if (phase !== outcome) throw new Error(`transfer ${index} is ${phase}, not ${outcome}`);
  if (head.attempt !== attempts) throw new Error(`it took ${head.attempt} attempts, not ${attempts}`);
  const place = world.rigs.get(head.file.destinationId);
  if (place === undefined) throw new Error(`there is no ${head.file.destinationId}`);
  const files = place.files().filter(({ transferId }) => transferId === id);
  const sessions = place.sessions().filter(({ item }) => item.transferId === id);
  if (outcome === 'canceled') {
    if (files.length > 0) throw new Error('it was canceled and delivered');
    const kept = sessions.find(({ state, parts }) => state === 'open' && parts.size > 0);
    if (kept !== undefined) throw new Error(`session ${kept.id} holds parts for nobody`);
  } else if (files.length !== 1 || Buffer.compare(files[0]?.content ?? Buffer.alloc(0), freight.content) !== 0) {
    throw new Error(`${files.length} files are at the destination, or other bytes`);
  }
  for (const session of sessions) {
    const counts = [...session.parts.keys()].map((part) => run.landings.get(`${session.id} ${part}`) ?? 0);
    const again = counts.reduce((total, count) => total + Math.max(0, count - 1), 0);
    const { canList, inFlightMax, order } = place.traits;
    const inFlight = order === 'ascending' ? 1 : Math.min(inFlightMax, story.limits?.parts ?? LIMITS.parts);
    if (again > (canList ? 0 : inFlight)) throw new Error(`${again} parts were put again that had landed`);
  }
}

/** Nothing stays behind but the history. */
async function judgeRemains({ world }: Run, { uploadId, transferIds }: Freight): Promise<void> {
  const objects = world.staging.objects().length;
  if (objects > 0) throw new Error(`${objects} staged objects stay for ever`);
  const rows = [...(await world.table.query(uploadKey(uploadId).pk, 'H#'))];
  for (const id of transferIds) {
    const { pk } = headKey(id);
    rows.push(...(await world.table.query(pk, 'S#')), ...(await world.table.query(pk, 'R#')));
  }
  if (rows.length > 0) throw new Error(`${rows.map(({ sk }) => sk).join(', ')} stay for ever`);
}
