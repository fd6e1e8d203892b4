import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type Item, type PushProvider, Session } from '#core/ports/provider.ts';
import { TransferId } from '#core/wire/ids.ts';
import { bytesOf, ctx, sha256 } from '../../contract/push-rig.ts';
import { type FolderRig, folderRig } from './rig.ts';

const KILLS = 16;

const Line = z.discriminatedUnion('event', [
  z.object({
    event: z.literal('opening'),
    seed: z.int(),
    item: z.object({ transferId: TransferId, name: z.string(), folder: z.string(), sizeBytes: z.int() }),
  }),
  z.object({ event: z.literal('opened'), seed: z.int(), session: Session }),
  z.object({ event: z.literal('finishing'), seed: z.int() }),
  z.object({ event: z.literal('finished'), seed: z.int() }),
]);

interface Journal {
  readonly item: Item;
  readonly seed: number;
  session: Session | null;
  phase: 'opening' | 'moving' | 'finishing' | 'done';
}

describe.each(['rename', 'replace'] as const)(
  'folder: a process killed while it finishes files, on conflict %s',
  (rule) => {
    it(`leaves no half file under a final name and never a second copy, over ${KILLS} kills`, async () => {
      await using rig = await folderRig(rule);
      const journal: Journal[] = [];
      const phases = new Set<string>();
      for (let kill = 0; kill < KILLS; kill++) {
        const cutShort = await runUntilKilled(rig.root, {
          firstSeed: kill * 1_000 + 1,
          rule,
          linesMax: 1 + ((kill * 5) % 23),
        });
        await expectWhole(rig, [...journal, ...cutShort]);
        for (const entry of cutShort) phases.add(`${entry.phase}, ${await carryOn(rig, entry)}`);
        journal.push(...cutShort);
      }
      expect([...phases].filter((phase) => phase.startsWith('finishing'))).not.toEqual([]);
      const finished = journal.filter(({ phase }) => phase === 'done');
      const found = await expectWhole(rig, finished);
      const names = rule === 'rename' ? finished.length : new Set(finished.map(({ item }) => item.name)).size;
      expect(found).toBe(names);
      expect(await rig.listFarSide()).toHaveLength(names);
    });
  },
);

/**
 * As the engine would: what was being finished is asked for and finished, what was moving is given up. An opening whose
 * answer was lost is repeated first: only that tells what it may have left.
 */
async function carryOn(rig: FolderRig, entry: Journal): Promise<string> {
  const provider = rig.provider();
  const { item } = entry;
  const session = entry.session ?? (await openAgain(provider, item));
  if (entry.phase === 'opening' || entry.phase === 'moving') {
    await provider.discard(session, item, ctx);
    return 'discarded';
  }
  const holding = await provider.inspect(session, item, { from: 1, to: 1 }, ctx);
  if (holding.kind === 'gone' && entry.phase === 'finishing')
    throw new Error('a file was lost in the middle of finish');
  if (holding.kind === 'partial') await provider.finish(session, item, [], ctx);
  entry.phase = 'done';
  return holding.kind;
}

async function openAgain(provider: PushProvider, item: Item): Promise<Session> {
  const opening = await provider.open(item, ctx);
  if (opening.kind !== 'ready') throw new Error('a folder asks nothing and has nothing');
  return opening.session;
}

/** Every finished file is one of the contents in full, and no two are the same one. Answers how many there are. */
async function expectWhole(rig: FolderRig, journal: readonly Journal[]): Promise<number> {
  const contents = new Set(journal.map(({ item, seed }) => sha256(bytesOf(item.sizeBytes, seed))));
  const names = (await rig.listFarSide()).filter((name) => !name.startsWith('.entrepot-'));
  for (const name of names) {
    const hash = sha256((await rig.read(name)) ?? new Uint8Array());
    expect(contents.delete(hash), `${name} is whole and the only copy`).toBe(true);
  }
  return names.length;
}

async function runUntilKilled(
  root: string,
  { firstSeed, rule, linesMax }: { readonly firstSeed: number; readonly rule: string; readonly linesMax: number },
): Promise<readonly Journal[]> {
  const script = join(import.meta.dirname, 'finisher.ts');
  const child = spawn(process.execPath, [script, root, String(firstSeed), rule], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const entries = new Map<number, Journal>();
  let lines = 0;
  for await (const text of createInterface({ input: child.stdout })) {
    const line = Line.parse(JSON.parse(text));
    if (line.event === 'opening') {
      const { seed } = line;
      entries.set(seed, { seed, session: null, item: { ...line.item, digests: {}, answers: {} }, phase: 'opening' });
      continue;
    }
    const entry = entries.get(line.seed);
    if (entry === undefined) throw new Error('a line came before its opening');
    if (line.event === 'opened') {
      entry.session = line.session;
      entry.phase = 'moving';
      continue;
    }
    entry.phase = line.event === 'finished' ? 'done' : 'finishing';
    lines += 1;
    if (lines === linesMax) child.kill('SIGKILL');
  }
  await ended;
  return [...entries.values()];
}
