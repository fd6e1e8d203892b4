/** Law: whatever chance does to calls, processes and the stream, every file arrives whole, by one session. */
import { expect, test } from 'vitest';
import { Fault } from '#core/fault.ts';
import { channelKey } from '#core/state.ts';
import { pause, resume } from '#core/transfer/wishes.ts';
import type { AskingHabit } from '../fakes/asking/session.ts';
import { type Chance, chanceOf } from '../simulation/chance.ts';
import { CALM, type Fates } from '../simulation/process.ts';
import { createServeLab, FAR, type Relay, type ServedFile, type ServeLab } from './serve-lab.ts';

const SEEDS = Number(process.env['SERVE_SEEDS'] ?? 12);
const FIRST = Number(process.env['SERVE_SEED'] ?? 1);
const HABITS: readonly AskingHabit[] = [
  'out of order',
  'repeats',
  'overlaps',
  'past the end',
  'speaks of others',
  'asks before open answers',
  'forgets to tell the end',
  'tells no progress',
];

test.each(Array.from({ length: SEEDS }, (_, i) => FIRST + i))('seed %i', async (seed) => {
  const chance = chanceOf(seed);
  let isCalm = false;
  const lab = createServeLab({
    fates: fatesOf(chance, () => isCalm),
    feed: chance.is(0.5) ? 'told' : 'silent',
    far: {
      habits: new Set(HABITS.filter(() => chance.is(0.3))),
      readsMax: chance.int(1, 6),
      ...(chance.is(0.3) ? { digests: ['md5', 'sha1'] as const, blockBytes: 7 } : {}),
    },
  });
  try {
    const relays: Relay[] = [lab.relay(), lab.relay()];
    const files: ServedFile[] = [];
    for (let i = 0; i < 4; i++) files.push(await announced(lab, chance));
    for (let step = 0; step < 12; step++) {
      await lab.pass(chance.int(100, 20_000));
      await mishap(lab, chance, relays, files);
    }
    isCalm = true;
    for (const file of files) {
      await resume(lab.engine('calm'), file.id).catch(unlessOver);
      await lab.stage(file);
    }
    if (relays.every(({ process }) => process.isDead())) lab.relay();
    await lab.ended(...files);
    for (const file of files) await judge(lab, file);
  } catch (error) {
    throw new Error(`seed ${seed}: ${String(error).split('\n')[0]}\n${lab.journal.tail()}`, { cause: error });
  }
});

/** Calls of relays fail before or after they were made, and take their time. */
function fatesOf(chance: Chance, isCalm: () => boolean): Fates {
  return {
    of: (process, port) => {
      if (isCalm() || !process.name.startsWith('relay') || port === 'dispatcher') return CALM;
      const delayMs = chance.is(0.1) ? chance.int(1, 3_000) : 0;
      if (!chance.is(0.03)) return { ...CALM, delayMs };
      return { ...CALM, delayMs, fails: chance.is(0.5) ? 'before' : 'after' };
    },
    breaksOff: () => false,
  };
}

async function announced(lab: ServeLab, chance: Chance): Promise<ServedFile> {
  const file = await lab.announce({ sizeBytes: chance.int(1, 90) });
  if (chance.is(0.5)) await lab.stage(file);
  return file;
}

async function mishap(lab: ServeLab, chance: Chance, relays: Relay[], files: readonly ServedFile[]): Promise<void> {
  const file = chance.pick(files);
  const { layout } = file.upload;
  switch (chance.int(0, 7)) {
    case 0:
      chance.pick(relays).process.kill();
      relays.push(lab.relay());
      return;
    case 1:
      void chance.pick(relays).stop();
      relays.push(lab.relay());
      return;
    case 2:
      return lab.far.disconnect(new Fault('transient', 'asking.broken', 'the connection broke'));
    case 3:
      return void (await pause(lab.engine('api'), file.id).catch(unlessOver));
    case 4:
      return void (await resume(lab.engine('api'), file.id).catch(unlessOver));
    case 5: {
      const holder = (await lab.table.get(channelKey(FAR)))?.holder ?? '';
      relays.find(({ process }) => holder.startsWith(`${process.name}/`))?.process.freeze(chance.int(1_000, 200_000));
      return;
    }
    default:
      if (layout.kind === 'chunks') await lab.stage(file, [chance.int(1, layout.count)]);
  }
}

async function judge(lab: ServeLab, { id, content }: ServedFile): Promise<void> {
  const { step, sessionNo } = await lab.head(id);
  if (step.phase === 'failed') throw new Error(`it failed: ${step.error.code} ${step.error.message}`);
  expect(step.phase).toBe('done');
  expect(sessionNo).toBe(1);
  const arrived = lab.far.files.filter(({ item }) => item.transferId === id);
  expect(arrived.length).toBeGreaterThan(0);
  for (const one of arrived) expect(Buffer.from(one.content).equals(Buffer.from(content))).toBe(true);
}

function unlessOver(error: unknown): void {
  if (!(error instanceof Fault) || !/^transfer\.(ended|finishing|canceling)$/.test(error.code)) throw error;
}
