/** The hour's round of a Worker, which keeps nothing from one call to the next. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Fault } from '#core/fault.ts';
import type { FileDesk } from '#core/files/desk.ts';
import type { MultipartIntake } from '#core/ports/multipart.ts';
import { hourRound } from '../../functions/worker/sweep.ts';
import { type ApiRig, apiRig } from '../api/rig.ts';

const HOUR_MS = 60 * 60_000;

let rig: ApiRig;
let listed: (string | undefined)[];
let aborted: string[];
beforeEach(async () => {
  rig = await apiRig();
  listed = [];
  aborted = [];
});
afterEach(() => rig[Symbol.asyncDispose]());

/** Each LIST of the inbox takes `listMs`; null: it fails. */
function round(listMs: number | null): () => Promise<unknown> {
  const { intake, engine, cells } = rig;
  const { source } = intake;
  const list: typeof source.list = async (query) => {
    listed.push(query.after);
    if (listMs === null) throw new Fault('transient', 'staging.unavailable', 'the bucket is away');
    rig.jump(listMs);
    return source.list(query);
  };
  // Nothing else of them is asked here.
  const multipart: Partial<MultipartIntake> = { abort: async ({ key }) => void aborted.push(key) };
  const home = { engine, intake: { ...intake, source: { ...source, list } }, multipart: multipart as MultipartIntake };
  const files: Partial<FileDesk> = { ...home, cells, clock: engine.clock };
  return hourRound({ ...home, files: files as FileDesk });
}

it('an inbox that is too large for one call is gone on with by the next, and begun again at its end', async () => {
  for (let n = 0; n < 501; n++) rig.staging.put(`inbox/nobody/${1_000 + n}`, new Uint8Array(1));
  for (let n = 0; n < 3; n++) await round(HOUR_MS)();
  expect(listed).toEqual([undefined, 'inbox/nobody/1499', undefined]);
});

it('an object that cannot be taken keeps none behind it from being taken, and is told of', async () => {
  for (const name of ['a', 'b', 'c']) rig.staging.put(`inbox/folder/${name}`, new Uint8Array(1));
  const { create } = rig.intake.table;
  vi.spyOn(rig.intake.table, 'create').mockImplementation(async (row, now) => {
    if ((row.state as { name?: string }).name === 'b') throw new Fault('transient', 'table.unavailable', 'not now');
    return create(row, now);
  });
  await expect(round(0)()).rejects.toMatchObject({ code: 'table.unavailable' });
  const { items } = (await rig.call('GET', '/api/v1/transfers')).body as { items: readonly { name: string }[] };
  expect(items.map(({ name }) => name).sort()).toEqual(['a', 'c']);
});

it('an inbox that cannot be listed keeps nothing else from being given up, and is told of', async () => {
  await rig.cells.swap({ pk: 'FILES_BEGUN', sk: 'a' }, 0, { v: 1, key: 'files/a', at: rig.engine.clock.now() });
  rig.jump(25 * HOUR_MS);
  await expect(round(null)()).rejects.toMatchObject({ code: 'staging.unavailable' });
  expect(aborted).toEqual(['files/a']);
});
