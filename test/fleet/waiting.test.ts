/** The engine with destinations on agents: what waits for an agent or its turn waits as long as it takes, and has not failed. */
import { expect, test } from 'vitest';
import type { PushProvider } from '#core/ports/provider.ts';
import { createLab } from '../engine/lab.ts';
import { rigsAtAgents } from './rigs-at-agents.ts';

const MIN_MS = 60_000;

function labAtAgents() {
  let provider: (bare: PushProvider) => PushProvider = (bare) => bare;
  const lab = createLab({ sabotage: { provider: (bare) => provider(bare) } });
  const home = rigsAtAgents(lab.world.clock);
  provider = home.placed;
  return { lab, home };
}

test('a file waits a night for an agent to be switched on, is delivered then, and its history says what it waited for', async () => {
  const { lab, home } = labAtAgents();
  const file = await lab.announce({ sizeBytes: 45 });
  await lab.stage(file);
  await lab.pass(10 * 60 * MIN_MS);
  const [id = expect.unreachable()] = file.transferIds;
  expect(await lab.head(id)).toMatchObject({ attempt: 1, failures: 0, streak: 0, step: { phase: 'opening' } });
  expect((await lab.head(id)).events.at(-1)).toMatchObject({ type: 'queued', code: 'agents.none' });
  await home.attach('a');
  await lab.ended(file);
  expect(Buffer.compare(lab.delivered('rig', id) ?? Buffer.alloc(0), file.content)).toBe(0);
});

test('files that come together start the spacing apart, in line, and none of them fails', async () => {
  const { lab, home } = labAtAgents();
  await home.attach('a');
  const files = [];
  for (let count = 0; count < 5; count++) {
    files.push(await lab.announce({ sizeBytes: 25 }));
    await lab.stage(files.at(-1) ?? expect.unreachable());
  }
  for (const file of files) await lab.ended(file);
  const heads = await Promise.all(files.flatMap(({ transferIds }) => transferIds).map((id) => lab.head(id)));
  const startedAt = heads.map((head) => head.startedAt ?? 0).sort((a, b) => a - b);
  for (const [at, startedMs] of startedAt.slice(1).entries()) {
    expect(startedMs - (startedAt[at] ?? 0)).toBeGreaterThanOrEqual(5 * MIN_MS);
  }
  expect(heads.map(({ step, failures }) => [step.phase, failures])).toEqual(files.map(() => ['done', 0]));
});

test('a file whose agent is lost for good goes on at another with what it has sent', async () => {
  const { lab, home } = labAtAgents();
  const first = await home.attach('a');
  await home.attach('b');
  const file = await lab.announce({ sizeBytes: 100 });
  const [id = expect.unreachable()] = file.transferIds;
  await lab.stage(file, [1, 2, 3, 4]);
  await lab.pass(MIN_MS);
  first.stop();
  await lab.stage(file, [5, 6, 7, 8, 9, 10]);
  await lab.ended(file);
  expect(Buffer.compare(lab.delivered('rig', id) ?? Buffer.alloc(0), file.content)).toBe(0);
  expect(await lab.head(id)).toMatchObject({ attempt: 1, sessionNo: 1, failures: 0 });
});
