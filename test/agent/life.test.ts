/** How an agent keeps its place, and how it comes back. */
import { expect, it } from 'vitest';
import { virtualClock } from '#adapters/memory/clock.ts';
import { lost } from '#clients/agents/fault-text.ts';
import { Fault } from '#core/fault.ts';
import { bucketDoor } from '../../agent/bucket-door.ts';
import { type HomeLine, homeLine } from '../../agent/home-line.ts';
import { type LifeParts, live } from '../../agent/life.ts';
import { factsOf, scripted } from '../contract/agents-rig.ts';
import { KEY, startHome } from './rig.ts';

const START_MS = 1_800_000_000_000;
const silent = { info: () => {}, error: () => {} };
const fine = scripted(() => ({ check: async () => ({ message: 'fine' }) }));

const partsOf = (more: Pick<LifeParts, 'clock' | 'dial' | 'signal'> & Partial<LifeParts>): LifeParts => ({
  log: silent,
  key: KEY,
  facts: factsOf('sz-1'),
  kinds: [fine],
  memoryBytes: () => 1,
  bucket: bucketDoor('plain'),
  onHeard: () => {},
  ...more,
});

/** A home that cannot be reached, or says this. */
const refusing = (fault: () => Fault): HomeLine => ({
  enrol: () => Promise.reject(fault()),
  attach: () => {
    throw new Error('nobody enrolled');
  },
  read: () => {
    throw new Error('nobody is attached');
  },
  close: () => {},
});

it('tries again for ever: after half a second to one at first, twice as long each time, within a minute at most', async () => {
  const clock = virtualClock({ seed: 3, startMs: START_MS });
  const stop = new AbortController();
  const triesAt: number[] = [];
  const dial = (): HomeLine => {
    triesAt.push(clock.now());
    return refusing(lost);
  };
  const life = live(partsOf({ clock, dial, signal: stop.signal }));
  while (triesAt.length < 12) await clock.step();
  const pauses = triesAt.slice(1).map((atMs, at) => atMs - (triesAt[at] ?? 0));
  for (const [at, pauseMs] of pauses.entries()) {
    const mostMs = Math.min(60_000, 1_000 * 2 ** at);
    expect(pauseMs).toBeGreaterThanOrEqual(mostMs / 2);
    expect(pauseMs).toBeLessThanOrEqual(mostMs);
  }
  stop.abort();
  expect(await life).toEqual({ kind: 'stopped' });
});

it.each([
  ['auth', 'agent.wrong_key'],
  ['rejected', 'agent.revoked'],
] as const)('ends when its first try is refused for a reason that a person has to mend: %s', async (kind, code) => {
  const clock = virtualClock({ seed: 3, startMs: START_MS });
  const dial = () => refusing(() => new Fault(kind, code, 'no'));
  const outcome = await live(partsOf({ clock, dial, signal: new AbortController().signal }));
  expect(outcome).toMatchObject({ kind: 'refused', fault: { code } });
});

it('buys a new token in time, and stays attached beyond the end of the first one', async () => {
  const homeClock = virtualClock({ seed: 1, startMs: START_MS });
  const clock = virtualClock({ seed: 2, startMs: START_MS });
  await using home = await startHome({ clock: homeClock, tokenTtlSeconds: 80 });
  const stop = new AbortController();
  const bought: Promise<unknown>[] = [];
  const dial = (): HomeLine => {
    const line = homeLine({ host: '127.0.0.1', port: home.port, security: 'plain' });
    return {
      ...line,
      enrol: (...given) => {
        const buying = line.enrol(...given);
        bought.push(buying);
        return buying;
      },
    };
  };
  const { agents } = home.server;
  const life = live(partsOf({ clock, dial, signal: stop.signal }));
  await home.until(() => agents.attached()[0]?.memoryBytes === 1);
  await homeClock.advance(60_000);
  await clock.advance(60_000);
  await home.until(() => bought.length === 2);
  await bought[1];
  // So that what is heard from now on can be told from what was heard before.
  await homeClock.advance(1);
  await clock.advance(30_000);
  await home.until(() => agents.attached()[0]?.lastHeardAt === homeClock.now());
  await homeClock.advance(60_000);
  expect(agents.attached()).toHaveLength(1);
  stop.abort();
  expect(await life).toEqual({ kind: 'stopped' });
  await home.until(() => agents.attached().length === 0);
});
