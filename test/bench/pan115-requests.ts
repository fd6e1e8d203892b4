/** What a file of 1 GiB asks of 115 and of its bucket, counted at the fakes. Exact on any machine. */
import { createHash, randomFillSync } from 'node:crypto';
import { know } from '../fakes/pan115/world.ts';
import { type PanEngine, type PanEngineOptions, panEngine } from '../providers/pan115/engine.ts';
import { MIB } from './measure.ts';
import { type Bench, ratio } from './report.ts';

/** As many as 1 GiB has chunks of 10 MiB: what counts is how many there are. */
const PARTS = 103;
const PART_BYTES = MIB;

const WHOLE: PanEngineOptions['budget'] = () => ({
  remainingMs: () => 60_000,
  signal: new AbortController().signal,
});

interface Counted {
  readonly what: string;
  readonly asked115: readonly string[];
  readonly askedBucket: readonly string[];
}

export const pan115Requests: Bench = {
  name: 'pan115-requests',
  about: 'requests to 115 and to its bucket for a file of 1 GiB in parts of 10 MiB, beside the parts alone',
  async run() {
    const content = randomFillSync(Buffer.alloc(PARTS * PART_BYTES));
    const sha1 = createHash('sha1').update(content).digest('hex');
    await using engine = await panEngine({ budget: WHOLE, functions: 'in one process' });
    const counted: Counted[] = [];
    const count = async (what: string, work: () => Promise<{ readonly phase: string }>): Promise<void> => {
      const { phase } = await work();
      if (phase !== 'done') throw new Error(`${what}: it ended ${phase}`);
      counted.push({ what, asked115: taken(engine.fake), askedBucket: taken(engine.oss) });
    };
    await count('the first file of a folder, which is made', () => engine.deliver(content, PART_BYTES));
    forget(engine);
    await count('one that 115 does not know', () => engine.deliver(content, PART_BYTES));
    forget(engine);
    know(engine.fake.world, content);
    await count('one that 115 knows', () => engine.deliver(content, PART_BYTES, { sha1 }));
    return {
      tables: [
        {
          columns: ['file', 'asked of 115', 'asked of the bucket', '÷ parts', 'seconds of 2 a second'],
          rows: counted.map(({ what, asked115, askedBucket }) => [
            what,
            asked115.length,
            askedBucket.length,
            ratio(askedBucket.length, PARTS),
            asked115.length / 2,
          ]),
        },
        {
          columns: ['of 115', ...counted.map((_, index) => `${index + 1}.`)],
          rows: [...new Set(counted.flatMap(({ asked115 }) => asked115))].map((name) => [
            name,
            ...counted.map(({ asked115 }) => asked115.filter((one) => one === name).length),
          ]),
        },
      ],
      targets: [],
      figures: Object.fromEntries(
        counted.flatMap(({ what, asked115, askedBucket }) => [
          [`${what}: of 115`, asked115.length],
          [`${what}: of the bucket`, askedBucket.length],
        ]),
      ),
      notes: [
        'all by one connection: each further function asks for keys to the bucket once, each hour of work does too',
      ],
    };
  },
};

/** Without the callback: that is the bucket's request. */
function taken({ log }: { readonly log: string[] }): readonly string[] {
  return log.splice(0).filter((name) => !name.endsWith('completeupload.php'));
}

/** 115 has never seen any file. */
function forget({ fake, oss }: PanEngine): void {
  const { contents, nodes } = fake.world;
  contents.clear();
  for (const { id, kind } of nodes.values()) if (kind === 'file') nodes.delete(id);
  oss.store.objects.clear();
}
