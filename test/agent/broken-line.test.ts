/** The line breaks, wherever it likes. */
import { expect, it } from 'vitest';
import { Fault } from '#core/fault.ts';
import { checkCall, contentOf, factsOf, ID, meteredPart, putCall, readAll, scripted } from '../contract/agents-rig.ts';
import { cuttingTunnel } from './cutting-tunnel.ts';
import { dial, type Home, startHome } from './rig.ts';

const PART_BYTES = 700_001;
const ctx = { signal: new AbortController().signal };

/** What drivers saw: how a part ended for each of them. */
type Seen = ('whole' | 'broken' | 'wrong')[];

it('broken after any byte a part is whole or it fails, its source is let go, and a new line works', async () => {
  await using home = await startHome();
  const lengths = await delivered(home, Number.MAX_SAFE_INTEGER);
  expect(lengths.outcome).toBe('put');
  expect(lengths.bytes).toBeGreaterThan(PART_BYTES);
  const outcomes = new Set<string>();
  for (const cutAt of places(lengths.bytes)) outcomes.add((await delivered(home, cutAt)).outcome);
  // How many bytes there are is a matter of timing: an answer may get through before the last of them.
  expect([...outcomes.difference(new Set(['put']))].sort()).toEqual(['agent.lost', 'not attached']);
  expect((await delivered(home, Number.MAX_SAFE_INTEGER)).outcome).toBe('put');
});

it('a login that is being renewed when the call is canceled gets home all the same', async () => {
  await using home = await startHome();
  const renewing = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const kind = scripted(({ credentials }) => ({
    check: async () => {
      await credentials.rotate(async () => {
        renewing.resolve();
        await goOn.promise;
        return 'new';
      });
      return { message: 'renewed' };
    },
  }));
  const stored = Promise.withResolvers<unknown>();
  const credentials = {
    read: async () => 'old',
    rotate: async (replace: (current: unknown) => Promise<unknown>) => {
      stored.resolve(await replace('old'));
      return 'new';
    },
  };
  const agent = await dial(home, factsOf('sz-1'), [kind]);
  const abort = new AbortController();
  const call = home.server.agents.call(ID, checkCall({ credentials }), { signal: abort.signal });
  await renewing.promise;
  abort.abort(new Error('canceled'));
  await expect(call).rejects.toThrow('canceled');
  goOn.resolve();
  expect(await stored.promise).toBe('new');
  await agent.cut();
});

/** One part through a line that breaks there; answers what became of it, and how many bytes went through. */
async function delivered(home: Home, cutAt: number) {
  const seen: Seen = [];
  const kind = scripted(() => ({
    put: async (_session, _item, part) => {
      const bytes = await part
        .open()
        .then(readAll)
        .catch((error: unknown) => {
          seen.push('broken');
          throw error;
        });
      seen.push(Buffer.compare(bytes, contentOf(0, PART_BYTES)) === 0 ? 'whole' : 'wrong');
      return { number: part.number, tag: 'put' };
    },
  }));
  const tunnels: Awaited<ReturnType<typeof cuttingTunnel>>[] = [];
  const tunnel = async (target: string) => {
    const made = await cuttingTunnel(target, cutAt);
    tunnels.push(made);
    return made;
  };
  const bytes = () => tunnels[0]?.bytes() ?? 0;
  const agent = await dial(home, factsOf('sz-1'), [kind], { tunnel }).catch((error: unknown) => {
    expect(error).toMatchObject({ kind: 'transient', code: 'agent.lost' });
    return null;
  });
  if (agent === null) return { outcome: 'not attached', bytes: bytes() };
  const { part, streams, canceled } = meteredPart(PART_BYTES);
  const outcome = await home.server.agents.call(ID, putCall(part), ctx).then(
    () => 'put',
    (error: unknown) => (error instanceof Fault ? error.code : String(error)),
  );
  const through = bytes();
  await agent.cut();
  await home.until(() => home.server.agents.attached().length === 0);
  expect(seen).not.toContain('wrong');
  if (streams.some(({ sentBytes }) => sentBytes < PART_BYTES)) await canceled;
  // The connection may end before the home has heard of the call's end: it was not attached any more then.
  return { outcome: outcome === 'agent.away' ? 'agent.lost' : outcome, bytes: through };
}

/** Spread over all of it, and close together where words are exchanged: at both ends. */
function places(bytes: number): readonly number[] {
  const spread = Array.from({ length: 16 }, (_, at) => Math.floor((bytes * (at + 0.618)) / 16));
  const first = Array.from({ length: 24 }, (_, at) => at * 97);
  const last = Array.from({ length: 8 }, (_, at) => bytes - 150 - at * 61);
  return [...first, ...spread, ...last];
}
