/** What a delivery costs the table: writes per part, and how large its rows get. */
import { createHash } from 'node:crypto';
import { Fault } from '#core/fault.ts';
import type { RowSize, Tally } from './counted.ts';
import { MIB } from './measure.ts';
import type { Bench, Report, Size } from './report.ts';
import { type Delivery, deliverVirtually } from './virtual-home.ts';

const CHUNK_BYTES = 10 * MIB;
const WRITES_MAX = 1.2;
const ROW_BYTES_MAX = 4096;

/** What `npm start` gives a function, and what the mover gets in the cloud. */
const LOCAL_BUDGET_MS = 30_000;
const CLOUD_BUDGET_MS = 300_000;

const PARTS_IN_FLIGHT = 5;

const plain = {
  chunkBytes: CHUNK_BYTES,
  session: { v: 1, inode: '1234567' },
  tag: 'e'.repeat(32),
  faults: [],
} satisfies Partial<Delivery>;

export const tableWrites: Bench = {
  name: 'table-writes',
  about: 'table writes per 10 MiB part, and row sizes at 10,000 parts, in virtual time',
  async run(size) {
    const paces = await Promise.all(
      pacesOf(size).map(async (pace) => ({ ...pace, tally: await deliverVirtually(pace.delivery) })),
    );
    const partCount = size === 'full' ? 10_000 : 500;
    const usual = await deliverVirtually({ ...fast(partCount), budgetMs: CLOUD_BUDGET_MS });
    const worst = await deliverVirtually(worstCase(partCount));
    return reportOf(paces, { usual, worst }, partCount);
  },
};

interface Pace {
  readonly name: string;
  readonly delivery: Delivery;
}

function pacesOf(size: Size): readonly Pace[] {
  const count = size === 'full' ? 205 : 40;
  const staged = (putMs: number, budgetMs: number): Delivery => ({
    ...plain,
    chunkCount: count,
    chunkEveryMs: 0,
    putMs,
    budgetMs,
  });
  const arriving = (chunkEveryMs: number, budgetMs: number): Delivery => ({
    ...plain,
    chunkCount: count,
    chunkEveryMs,
    putMs: 100,
    budgetMs,
  });
  return [LOCAL_BUDGET_MS, CLOUD_BUDGET_MS].flatMap((budgetMs) => {
    const named = (name: string, delivery: Delivery) => ({ name: `${name}, ${budgetMs / 1000} s budget`, delivery });
    return [
      named('staged, 300 MiB/s', staged(fast(count).putMs, budgetMs)),
      named('staged, 1 part per 10 s', staged(PARTS_IN_FLIGHT * 10_000, budgetMs)),
      named('chunk per 0.3 s', arriving(300, budgetMs)),
      named('chunk per 1 s', arriving(1_000, budgetMs)),
      named('chunk per 2.5 s', arriving(2_500, budgetMs)),
      named('chunk per 10 s', arriving(10_000, budgetMs)),
    ];
  });
}

function fast(chunkCount: number): Delivery {
  const putMs = Math.round((PARTS_IN_FLIGHT * CHUNK_BYTES * 1000) / (300 * MIB));
  return { ...plain, chunkCount, chunkEveryMs: 0, putMs, budgetMs: LOCAL_BUDGET_MS };
}

/** Everything that has a bound at its bound, and a ring full of faults. Parts of one byte, so that digests are soon computed. */
function worstCase(chunkCount: number): Delivery {
  const bytes = new Uint8Array(chunkCount);
  const digest = (algorithm: string) => createHash(algorithm).update(bytes).digest('hex');
  const fault = new Fault('transient', 'x'.repeat(64), 'a fault of the longest code');
  return {
    chunkBytes: 1,
    chunkCount,
    chunkEveryMs: 0,
    putMs: 100,
    budgetMs: CLOUD_BUDGET_MS,
    session: 's'.repeat(2_046),
    tag: 't'.repeat(80),
    destinations: 8,
    faults: Array.from({ length: 11 }, () => fault),
    upload: {
      name: '名'.repeat(85),
      folder: `/${`${'路'.repeat(85)}/`.repeat(4)}`.slice(0, -1),
      contentType: 'c'.repeat(255),
      digests: { sha1: digest('sha1'), md5: digest('md5'), sha256: digest('sha256') },
    },
  };
}

function reportOf(
  paces: readonly (Pace & { readonly tally: Tally })[],
  sizes: { readonly usual: Tally; readonly worst: Tally },
  partCount: number,
): Report {
  const perPart = ({ delivery, tally }: (typeof paces)[number]) => tally.total() / delivery.chunkCount;
  const kinds = [...new Set([...sizes.usual.rows.keys(), ...sizes.worst.rows.keys()])];
  const of = (tally: Tally, kind: string): RowSize => tally.rows.get(kind) ?? { stateBytes: 0, rowBytes: 0 };
  const largest = (tally: Tally) => Math.max(...[...tally.rows.values()].map(({ rowBytes }) => rowBytes));
  return {
    tables: [
      {
        columns: ['delivery', 'writes per part', 'commit', 'create', 'claim', 'release', 'wake', 'renew', 'gate'],
        rows: paces.map((pace) => {
          const verbs = ['commit', 'create', 'claim', 'release', 'wake', 'renew', 'gate'];
          const shares = verbs.map((verb) => (pace.tally.writes.get(verb) ?? 0) / pace.delivery.chunkCount);
          return [pace.name, perPart(pace), ...shares];
        }),
      },
      {
        columns: [
          `row at ${partCount} parts`,
          'state bytes',
          'row bytes',
          'state at every bound',
          'row at every bound',
        ],
        rows: kinds.map((kind) => {
          const [usual, worst] = [of(sizes.usual, kind), of(sizes.worst, kind)];
          return [kind, usual.stateBytes, usual.rowBytes, worst.stateBytes, worst.rowBytes];
        }),
      },
    ],
    targets: [
      ...paces.map((pace) => ({
        what: `writes per part (${pace.name})`,
        sense: 'at most' as const,
        limit: WRITES_MAX,
        measured: perPart(pace),
        unit: 'writes',
      })),
      ...(['usual', 'worst'] as const).map((which) => ({
        what: `largest row (${which === 'usual' ? 'usual names' : 'every field at its bound'})`,
        sense: 'at most' as const,
        limit: ROW_BYTES_MAX,
        measured: largest(sizes[which]),
        unit: 'bytes',
      })),
    ],
    figures: Object.fromEntries([
      ...paces.map((pace) => [`writes per part, ${pace.name}`, Number(perPart(pace).toFixed(3))]),
      ['largest row bytes', largest(sizes.usual)],
      ['largest row bytes at every bound', largest(sizes.worst)],
    ]),
    notes: [
      'counted on the engine’s own calls, lost races and gate swaps included; reads and queue messages are not',
      `files of ${paces[0]?.delivery.chunkCount ?? 0} parts; opening, arming and finishing are spread over them`,
    ],
  };
}
