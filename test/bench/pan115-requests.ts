/** What a file of 1 GiB, and a small one by cookie, asks of 115 and of its bucket, counted at the fakes. Exact on any machine. */
import { createHash, randomFillSync } from 'node:crypto';
import { know } from '../fakes/pan115/world.ts';
import { type PanEngine, type PanEngineOptions, panEngine } from '../providers/pan115/engine.ts';
import { MIB } from './measure.ts';
import { type Bench, ratio } from './report.ts';

/** As many as 1 GiB has chunks of 10 MiB: what counts is how many there are. */
const PARTS = 103;
const PART_BYTES = MIB;
const SMALL_BYTES = 300_000;

const WHOLE: PanEngineOptions['budget'] = () => ({
  remainingMs: () => 60_000,
  signal: new AbortController().signal,
});

interface Asked {
  readonly asked115: readonly string[];
  readonly askedBucket: readonly string[];
}

type Counted = Asked & { readonly what: string };

export const pan115Requests: Bench = {
  name: 'pan115-requests',
  about:
    'requests to 115 and to its bucket for a file of 1 GiB in parts of 10 MiB, beside the parts alone, and for a small one',
  async run() {
    const content = randomFillSync(Buffer.alloc(PARTS * PART_BYTES));
    const sha1 = createHash('sha1').update(content).digest('hex');
    await using engine = await panEngine({ budget: WHOLE, functions: 'in one process' });
    const counted: Counted[] = [];
    const count = async (what: string, work: () => Promise<{ readonly phase: string }>): Promise<void> => {
      counted.push({ what, ...(await asked(engine, work)) });
    };
    await count('the first file of a folder, which is made', () => engine.deliver(content, PART_BYTES));
    forget(engine);
    await count('one that 115 does not know', () => engine.deliver(content, PART_BYTES));
    forget(engine);
    know(engine.fake.world, content);
    await count('one that 115 knows', () => engine.deliver(content, PART_BYTES, { sha1 }));
    for (const functions of ['in one process', 'processes of their own'] as const) {
      for (const [what, formBytesMax] of [
        ['in parts', 0],
        ['as a form', SMALL_BYTES],
      ] as const) {
        await using cookie = await panEngine({ budget: WHOLE, functions, cookie: { formBytesMax } });
        await small(cookie);
        counted.push({ what: `a small one by cookie, ${what}, functions ${functions}`, ...(await small(cookie)) });
      }
    }
    return {
      tables: [
        {
          columns: ['file', 'asked of 115', 'asked of the bucket', '÷ parts', 'seconds of 2 a second'],
          rows: counted.map(({ what, asked115, askedBucket }) => [
            what,
            asked115.length,
            askedBucket.length,
            what.startsWith('a small one') ? '' : ratio(askedBucket.length, PARTS),
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
        'by one connection unless told: each further function asks for keys to the bucket once, each hour of work does too',
      ],
    };
  },
};

/** Of a file in a folder that is there. */
function small(engine: PanEngine): Promise<Asked> {
  return asked(engine, () => engine.deliver(randomFillSync(Buffer.alloc(SMALL_BYTES)), PART_BYTES));
}

async function asked(engine: PanEngine, work: () => Promise<{ readonly phase: string }>): Promise<Asked> {
  const { phase } = await work();
  if (phase !== 'done') throw new Error(`it ended ${phase}`);
  const [of115, ofBucket] = [engine.fake, engine.oss].map(({ log }) => log.splice(0));
  return {
    asked115: of115?.filter((name) => name !== FORM && !name.endsWith('completeupload.php')) ?? [],
    askedBucket: [...(ofBucket ?? []), ...(of115?.filter((name) => name === FORM) ?? [])],
  };
}

/** It goes to the bucket, which the fake 115 plays; the callback is the bucket's request. */
const FORM = 'POST /';

/** 115 has never seen any file. */
function forget({ fake, oss }: PanEngine): void {
  const { contents, nodes } = fake.world;
  contents.clear();
  for (const { id, kind } of nodes.values()) if (kind === 'file') nodes.delete(id);
  oss.store.objects.clear();
}
