/** A destination at the fake Bilibili, in a time that moves when somebody sleeps or a test lets it. */
import type { SharedValue } from '#core/ports/connection.ts';
import type { PushProvider, Session } from '#core/ports/provider.ts';
import { bilibiliKind } from '#providers/bilibili/provider.ts';
import { type Connects, here, type PushRig } from '../../contract/push-rig.ts';
import type { Exception } from '../../contract/suite.ts';
import { type FakeBilibili, startFakeBilibili } from '../../fakes/bilibili/server.ts';
import { type Archive, contentOf, cookieHeader, type Settings } from '../../fakes/bilibili/world.ts';
import { NO_STORE } from '../../support/no-store.ts';

export interface BilibiliRig extends PushRig, AsyncDisposable {
  readonly fake: FakeBilibili;
  pass(ms: number): void;
  /** As another process would: it shares nothing with the others but what processes share. */
  connect(settings?: Readonly<Record<string, unknown>>): PushProvider;
  /** What is stored as the login. */
  login(): unknown;
  /** Stores another one. */
  logInWith(credentials: unknown): void;
  /** Where it is stored: to be spied on. */
  readonly stored: ReturnType<typeof storing>;
  /** What the processes share of the account. */
  readonly shared: SharedValue;
  /** The same by other names. */
  cell(name: string): SharedValue;
  archives(): readonly Archive[];
  /** How often an operation was asked for. */
  count(operation: string): number;
}

const NO_EMPTY = 'Bilibili takes no empty file: it is refused before a byte moves, as test/providers/bilibili has it';
const NO_GIVING_UP = 'no call is known that gives an upload up: Bilibili drops it after some days';

/** What its contract leaves out. */
export const BILIBILI_EXCEPT: readonly Exception[] = [
  { law: 'a file of no bytes arrives byte for byte', because: NO_EMPTY },
  { law: 'inspect of an empty file says partial before finish and complete after it', because: NO_EMPTY },
  { law: 'discard leaves nothing behind, and repeating it is fine', because: NO_GIVING_UP },
  { law: 'after discard inspect says gone, and put is Fault gone', because: NO_GIVING_UP },
];

/** Jitter of none, so that rests are as long as they are said to be. */
const MIDDLE = 0.5;

export async function bilibiliRig(more: Partial<Settings> = {}, connects: Connects = here): Promise<BilibiliRig> {
  let nowMs = Date.UTC(2026, 0, 2);
  const now = () => nowMs;
  const sleep = async (ms: number, signal?: AbortSignal) => {
    signal?.throwIfAborted();
    nowMs += ms;
  };
  const fake = await startFakeBilibili({ now, chunkBytes: 65_536, ...more });
  const shared = cell();
  const cells = new Map([['account', shared]]);
  const cellOf = (name: string) => {
    const known = cells.get(name) ?? cell();
    cells.set(name, known);
    return known;
  };
  const stored = storing({ cookies: cookieHeader(fake.session) });
  const connectWith = (credentials: ReturnType<typeof storing>, settings: Readonly<Record<string, unknown>> = {}) => {
    const provider = connects(bilibiliKind, {
      destinationId: 'bili',
      deviceId: '00112233445566778899aabbccddeeff',
      settings: {
        tid: 160,
        tags: ['测试'],
        submissionsPerHour: 20,
        spacingSeconds: 0,
        endpoints: fake.hosts,
        ...settings,
      },
      credentials,
      clock: { now, sleep, random: () => MIDDLE },
      staging: NO_STORE,
      shared: cellOf,
    });
    if (provider.mode !== 'push') throw new Error('not a push provider');
    return provider;
  };
  const { world } = fake;
  const bytesOf = (archive: Archive | undefined) => {
    const bytes = archive && contentOf(world, archive.videos[0]?.filename ?? '');
    return bytes ? new Uint8Array(bytes) : null;
  };
  const named = ({ videos }: Archive, name: string) =>
    [...world.objects.values()].some((stored) => stored.filename === videos[0]?.filename && stored.name === name);
  return {
    fake,
    shared,
    cell: cellOf,
    stored,
    pass: (ms) => {
      nowMs += ms;
    },
    connect: (settings) => connectWith(stored, settings),
    login: () => stored.kept(),
    logInWith: stored.put,
    archives: () => world.archives,
    count: (wanted) => fake.asked.filter(({ operation }) => operation === wanted).length,
    provider: () => connectWith(stored),
    partBytes: world.settings.chunkBytes,
    extension: '.mp4',
    sameName: 'both',
    readBack: async ({ name }) => bytesOf(world.archives.findLast((archive) => named(archive, name))),
    readReceipt: async (_item, { remoteId }) => bytesOf(world.archives.find(({ bvid }) => bvid === remoteId)),
    listFarSide: async () => [
      ...world.archives.map(({ bvid }) => bvid),
      ...[...world.multiparts.values()].filter(({ isMerged }) => !isMerged).map(({ id }) => id),
    ],
    expireSession: async (_session: Session) => {
      nowMs += 6 * 24 * 60 * 60_000;
    },
    failing: async () => ({
      provider: connectWith(storing({ cookies: 'SESSDATA=nobody; bili_jct=nothing' })),
      kind: 'auth',
    }),
    [Symbol.asyncDispose]: () => fake.close(),
  };
}

function cell(): SharedValue {
  let kept: { readonly v: number; readonly value: unknown } | null = null;
  return {
    read: async () => structuredClone(kept),
    swap: async (v, value) => {
      if (v !== (kept?.v ?? 0)) return false;
      kept = { v: v + 1, value: structuredClone(value) };
      return true;
    },
  };
}

/** Stores before it answers, as the product does. */
function storing(first: unknown) {
  let kept = first;
  return {
    kept: () => kept,
    put: (other: unknown) => {
      kept = other;
    },
    read: async () => kept,
    rotate: async (replace: (current: unknown) => Promise<unknown>) => {
      kept = await replace(kept);
      return kept;
    },
  };
}
