/** How a run has to end: every transfer as its people wanted it, no viewer misled, nothing left behind. */
import { Fault } from '#core/fault.ts';
import { readView } from '#core/read-view.ts';
import { type TransferFile, uploadKey } from '#core/state.ts';
import type { Engine } from '#core/transfer/engine.ts';
import type { TransferId } from '#core/wire/ids.ts';
import { chunkPrefix } from '#core/wire/keys.ts';
import { isNews, type TransferView } from '#core/wire/transfer.ts';
import { headOf } from './ledger.ts';
import type { People } from './people.ts';
import type { RigFile } from './rig-provider.ts';
import type { Scenario } from './scenario.ts';
import type { Subject } from './subject.ts';
import type { World } from './world.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** After quiet: the longest idle look, the longest backoff, leases, and people who try again. */
const PATIENCE_MS = 12 * HOUR_MS;
/** Two clocks, each five seconds off. */
const SKEW_MS = 10_000;

/** Waits, resumes and retries until every transfer has ended. */
export async function settled(world: World, scenario: Scenario, actors: People): Promise<void> {
  const { clock, table, journal } = world;
  const isLeft = leavers(scenario, actors);
  // What no event told of is found when the inbox is listed, every ten minutes.
  if (scenario.files.some(({ via }) => via === 'inbox')) await clock.sleep(11 * MINUTE_MS);
  const untilMs = clock.now() + PATIENCE_MS;
  for (;;) {
    await actors.mend();
    let isAll = true;
    for (const id of await actors.transferIds()) {
      const row = await table.get({ pk: `T#${id}`, sk: '@' });
      if (row === null || isLeft.has(headOf(row).file.uploadId)) continue;
      const isOver = row.queue === null && (row.phase !== 'failed' || errorOf(row) === 'digest.mismatch');
      if (!isOver) isAll = false;
      if (!isOver && clock.now() > untilMs) {
        journal.violate('I9', `${id} is still ${row.phase} (${errorOf(row)}) ${PATIENCE_MS} ms after quiet came`);
      }
    }
    if (isAll) return;
    await clock.sleep(2 * MINUTE_MS);
  }
}

/** Every transfer ended as its people wanted it. Answers the phase in which each did. */
export async function checkEndings(world: World, scenario: Scenario, actors: People): Promise<Record<string, string>> {
  const { table, journal, staging } = world;
  const endings: Record<string, string> = {};
  const delivered = new Set<string>();
  const isLeft = leavers(scenario, actors);
  const isWrong = new Set(
    scenario.files.filter(({ digests }) => digests === 'wrong').map(({ index }) => actors.uploads.get(index)?.uploadId),
  );
  for (const id of await actors.transferIds()) {
    const row = await table.get({ pk: `T#${id}`, sk: '@' });
    if (row === null) continue;
    const { file, step } = headOf(row);
    endings[id] = step.phase;
    if (step.phase === 'done' && file.layout.kind === 'object')
      delivered.add(`${file.layout.key} ${file.layout.version}`);
    if (isLeft.has(file.uploadId)) continue;
    if (step.phase === 'done') checkDelivery(world, id, file);
    else if (filesOf(world, id, file.destinationId).length > 0)
      journal.violate('I6', `${id} is ${step.phase}, and there`);
    const isFalse = isWrong.has(file.uploadId);
    if (step.phase === 'done' && isFalse) journal.violate('I4', `${id} is done although its digest was wrong`);
    if (step.phase === 'failed' && !isFalse) journal.violate('I9', `${id} has failed: ${errorOf(row)}`);
    const isMeant = row.wish === 'cancel' || (step.phase === 'canceled' && step.code === 'upload.replaced');
    if (step.phase === 'canceled' && !isMeant) journal.violate('I6', `${id} was canceled by nobody`);
  }
  for (const { specs } of actors.uploads.values()) {
    const lost = specs.find(({ transferId }) => endings[transferId] === undefined);
    if (lost !== undefined) journal.violate('I9', `${lost.transferId} was never made`);
  }
  const wishes = scenario.chaos.wishes + scenario.chaos.haste;
  for (const { key, version } of staging.objects()) {
    const isLost = key.startsWith('inbox/') && !delivered.has(`${key} ${version}`);
    if (isLost && wishes === 0) journal.violate('I9', `${key} lies in the inbox and was not delivered`);
  }
  return endings;
}

function checkDelivery(world: World, id: TransferId, { layout, uploadId, destinationId }: TransferFile): void {
  const content = world.contents.get(layout.kind === 'object' ? layout.version : uploadId);
  const [only, ...more] = filesOf(world, id, destinationId);
  const isIntact = content !== undefined && only !== undefined && Buffer.compare(content, only.content) === 0;
  if (!isIntact || more.length > 0) world.journal.violate('I4', `${id} is done and not there once, as it was staged`);
}

function filesOf({ rigs }: World, id: TransferId, destinationId: string): readonly RigFile[] {
  const files = rigs.get(destinationId)?.files() ?? [];
  return files.filter(({ transferId }) => transferId === id);
}

/** What a viewer saw last is not ahead of the table, and nothing he is told later takes him back. */
export async function checkViews(world: World, seen: ReadonlyMap<string, TransferView>, actors: People): Promise<void> {
  for (const id of await actors.transferIds()) {
    const row = await world.table.get({ pk: `T#${id}`, sk: '@' });
    if (row === null) continue;
    const truth = await readView(world.table, row, 0);
    if (!isNews(seen.get(id), truth)) world.journal.violate('I14', `a viewer is ahead of ${id}`);
  }
}

/**
 * Staged bytes go when nobody needs them any more: at once, or when their upload has expired. Somebody may try again in the very
 * moment in which they are to be removed.
 */
export async function removal(
  world: World,
  { chance }: Scenario,
  actors: People,
  inProcess: (work: (engine: Engine) => Promise<unknown>) => Promise<boolean>,
  subject: Subject,
): Promise<void> {
  const { clock, table, journal, staging } = world;
  const uploads = [...actors.uploads.values()];
  const untilMs = clock.now() + 23 * DAY_MS;
  for (;;) {
    const rows = await Promise.all(uploads.map(({ uploadId }) => table.get(uploadKey(uploadId))));
    const left = rows.filter((row) => row !== null && row.phase !== 'removed');
    if (left.length === 0 || clock.now() > untilMs) break;
    const dueAt = Math.min(...left.map((row) => row?.dueAt ?? Number.POSITIVE_INFINITY));
    await clock.sleep(Math.max(MINUTE_MS, dueAt + SKEW_MS - clock.now()));
    void inProcess((engine) => subject.sweep(engine));
    for (const [index, { specs, createdAt }] of uploads.entries()) {
      const expiresAt = Math.max(rows[index]?.expiresAt ?? 0, createdAt + 7 * DAY_MS);
      if (clock.now() < expiresAt) continue;
      const again = specs.map(
        ({ transferId }) =>
          (engine: Engine) =>
            subject.retry(engine, transferId).catch(refused),
      );
      void clock.sleep(chance.int(20, 120)).then(() => Promise.all(again.map(inProcess)));
    }
  }
  for (const { uploadId } of uploads) {
    const row = await table.get(uploadKey(uploadId));
    if (row?.phase !== 'removed') journal.violate('I9', `${uploadId} is still ${row?.phase}`);
    const left = staging.objects().filter(({ key }) => key.startsWith(chunkPrefix(uploadId)));
    if (left.length > 0) journal.violate('I7', `${left.length} chunks of ${uploadId} stay for ever`);
  }
}

function refused(error: unknown): void {
  if (!(error instanceof Fault)) throw error;
}

/** Uploads whose client went away before it had put everything. */
function leavers({ files }: Scenario, actors: People): Set<string> {
  const left = files
    .filter(({ leavesAfter }) => leavesAfter !== null)
    .map(({ index }) => actors.uploads.get(index)?.uploadId);
  return new Set(left.filter((id) => id !== undefined));
}

function errorOf(row: { readonly state: unknown }): string {
  const { step } = headOf(row);
  return step.phase === 'failed' ? step.error.code : '';
}
