/**
 * Law: every relay and function may die before and after each effect; the rows, the end of leases and the destination's own memory
 * bring the transfer to the same end, by one of two relays that are there all the time and one that comes when they are dead.
 */
import { expect, test } from 'vitest';
import type { ServeProvider } from '#core/ports/provider.ts';
import { headKey } from '#core/state.ts';
import type { AskingHabit, AskingTraits } from '../fakes/asking/session.ts';
import { CALM, type Fates } from '../simulation/process.ts';
import { createServeLab, expectNoStaleView, type ServeLab } from './serve-lab.ts';

interface Story {
  readonly far?: Partial<AskingTraits>;
  readonly sizeBytes: number;
  /** Chunks that are there from the start; the others come later. */
  readonly early?: readonly number[];
  readonly late?: readonly number[];
  /** A broken destination, to see that the sweep notices. */
  readonly provider?: (bare: ServeProvider) => ServeProvider;
}

const habits = (...all: AskingHabit[]): Partial<AskingTraits> => ({ habits: new Set(all) });

test.each<[string, Story]>([
  ['several reads', { sizeBytes: 55 }],
  ['an empty file', { sizeBytes: 0 }],
  ['chunks that come late', { sizeBytes: 45, early: [2], late: [5, 1, 3, 4] }],
  ['digests before the reads', { sizeBytes: 35, far: { digests: ['md5', 'sha1'], blockBytes: 7 } }],
  ['an end that is told to nobody', { sizeBytes: 25, far: habits('forgets to tell the end', 'out of order') }],
  ['a destination that settles', { sizeBytes: 25, far: habits('settles') }],
])('%s: a death before or after any effect changes nothing in the end', async (_title, story) => {
  const calm = await outlive(story, null);
  for (let effect = 1; effect <= calm; effect++) {
    for (const side of ['before', 'after'] as const) await outlive(story, { effect, side });
  }
  expect(calm).toBeGreaterThan(8);
});

test('the sweep notices a destination that does not ask again for what was left unanswered', async () => {
  const forgetful =
    (said: Set<string>) =>
    (bare: ServeProvider): ServeProvider => ({
      ...bare,
      asks: async function* (ctx) {
        for await (const ask of bare.asks(ctx)) {
          const name = 'requestId' in ask ? `${ask.remoteId} ${ask.requestId}` : '';
          if (name === '' || !said.has(name)) yield ask;
          said.add(name);
        }
      },
    });
  const story: Story = { sizeBytes: 35, early: [2], late: [4, 3, 1] };
  const caught: unknown[] = [];
  for (let effect = 1; effect <= 30; effect++) {
    await outlive({ ...story, provider: forgetful(new Set()) }, { effect, side: 'after' }).catch((error: unknown) => {
      caught.push(error);
    });
  }
  expect(String(caught[0])).toMatch(/dead after effect \d+ .*not so after/);
});

interface Death {
  readonly effect: number;
  readonly side: 'before' | 'after';
}

/** Answers how many effects it had. */
async function outlive(story: Story, death: Death | null): Promise<number> {
  let effects = 0;
  let victim = '';
  const fates: Fates = {
    of: (process, port, method, kind) => {
      const isWork = /^(relay|fn)/.test(process.name);
      if (!isWork || kind === 'read' || victim !== '') return CALM;
      effects += 1;
      if (effects !== death?.effect) return CALM;
      victim = `${process.name} ${port}.${method}`;
      return { ...CALM, dies: death.side };
    },
    breaksOff: () => false,
  };
  const { far, provider } = story;
  const lab = createServeLab({
    fates,
    ...(far === undefined ? {} : { far }),
    ...(provider === undefined ? {} : { provider }),
  });
  try {
    await tell(lab, story);
  } catch (error) {
    const [what = ''] = String(error).split('\n');
    const when = death === null ? 'without any death' : `dead ${death.side} effect ${death.effect} (${victim})`;
    throw new Error(`${when}: ${what}\n${lab.journal.tail()}`, { cause: error });
  }
  return effects;
}

async function tell(lab: ServeLab, { sizeBytes, early, late = [] }: Story): Promise<void> {
  const relays = [lab.relay(), lab.relay()];
  const file = await lab.announce({ sizeBytes });
  await lab.stage(file, early);
  for (const number of late) {
    await lab.pass(3_000);
    await lab.stage(file, [number]);
  }
  await lab.until(async () => {
    lab.far.settle();
    if (relays.every(({ process }) => process.isDead())) relays.push(lab.relay());
    const row = await lab.table.get(headKey(file.id));
    return row !== null && row.queue === null;
  });
  const { step, sessionNo } = await lab.head(file.id);
  if (step.phase !== 'done') throw new Error(`it is ${step.phase}`);
  if (sessionNo !== 1) throw new Error(`${sessionNo} sessions were committed`);
  const files = lab.far.files.filter(({ item }) => item.transferId === file.id);
  if (!files.every(({ content }) => Buffer.from(content).equals(Buffer.from(file.content)))) {
    throw new Error('other bytes arrived');
  }
  // A file that is whole as soon as it is opened is so twice when the session of the first opening is lost.
  const isTwice = sizeBytes === 0 && lab.far.sessions.length === 2;
  if (files.length !== (isTwice ? 2 : 1)) throw new Error(`${files.length} files arrived`);
  expectNoStaleView(lab.views(file.id));
}
