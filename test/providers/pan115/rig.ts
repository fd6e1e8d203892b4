/** A destination at the fake 115, whose bucket is the fake OSS, in a time that moves when somebody sleeps. */
import type { PushProvider, Session } from '#core/ports/provider.ts';
import { pan115Kind } from '#providers/pan115/provider.ts';
import { type Connects, here, type PushRig } from '../../contract/push-rig.ts';
import type { Exception } from '../../contract/suite.ts';
import { type FakeOss, startFakeOss } from '../../fakes/oss/server.ts';
import { newPair } from '../../fakes/pan115/passport.ts';
import { type Fake115, startFake115 } from '../../fakes/pan115/server.ts';
import type { Node, Settings } from '../../fakes/pan115/world.ts';
import { NO_STORE } from '../../support/no-store.ts';

export type Way = 'open' | 'cookie';

const QUOTES: Exception = {
  law: 'a name with quotes arrives unchanged',
  because: '115 refuses the sign, so its full-width twin is sent; test/providers/pan115 has it',
};
const OLDER: Exception = {
  law: 'inspect does not take an older file of the same name and size for ours',
  because: 'a small file goes as a form, which is a file at once and does not expire; test/providers/pan115 has it',
};

/** The laws of the push contract that 115 cannot keep. */
export const PAN115_EXCEPT: Readonly<Record<Way, readonly Exception[]>> = {
  open: [QUOTES],
  cookie: [QUOTES, OLDER],
};

export interface Pan115Rig extends PushRig, AsyncDisposable {
  readonly fake: Fake115;
  readonly oss: FakeOss;
  /** How long anybody has slept, in order. */
  readonly slept: readonly number[];
  pass(ms: number): void;
  connect(settings?: Readonly<Record<string, unknown>>): PushProvider;
  /** What 115 holds, shown or not. */
  files(): readonly Node[];
}

interface Stored {
  read(): Promise<unknown>;
  rotate(replace: (current: unknown) => Promise<unknown>): Promise<unknown>;
}

const ROOT = '备份';
const PART_BYTES = 102_400;
/** What fits one part goes as a form, and the rest in parts. */
const COOKIE = { allowCookie: true, formBytesMax: PART_BYTES };

export async function pan115Rig(way: Way, more: Partial<Settings> = {}, connects: Connects = here): Promise<Pan115Rig> {
  let nowMs = Date.UTC(2026, 0, 2);
  const slept: number[] = [];
  const now = () => nowMs;
  const sleep = async (ms: number, signal?: AbortSignal) => {
    signal?.throwIfAborted();
    slept.push(ms);
    nowMs += ms;
  };
  const oss = await startFakeOss({ bucket: 'fhnfile', region: 'cn-shenzhen', keys: [] });
  const fake = await startFake115({
    now,
    ossEndpoint: oss.endpoint,
    grant: (key) => {
      const state = () => (nowMs < key.expiresAtMs ? 'good' : 'expired');
      oss.keys.set(key.accessKeyId, {
        ...key,
        get state() {
          return state();
        },
      });
    },
    contentOf: (object) => oss.store.objects.get(object)?.bytes,
    // Each provider of the suite is another process with a pace of its own.
    requestsPerSecond: 1_000,
    ...more,
  });
  const { api, passport, upload, web } = fake.urls;
  // Beside the keys of the cookie way no endpoint is named.
  const bucket = way === 'cookie' ? { oss: oss.endpoint } : {};
  const endpoints = { api, passport, upload, web, publicKey: fake.publicKey, ossPathStyle: true, ...bucket };
  const connectWith = (credentials: Stored, settings: Readonly<Record<string, unknown>> = {}): PushProvider => {
    const provider = connects(pan115Kind, {
      destinationId: 'pan115',
      deviceId: '00112233445566778899aabbccddeeff',
      settings: { prefix: ROOT, ...(way === 'cookie' ? COOKIE : {}), endpoints, ...settings },
      credentials,
      clock: { now, sleep, random: Math.random },
      staging: NO_STORE,
    });
    if (provider.mode !== 'push') throw new Error('not a push provider');
    return provider;
  };
  const cookie = Object.entries(fake.world.account.cookie).map(([name, value]) => `${name}=${value}`);
  const stored = storing(way === 'open' ? tokensOf(fake, now()) : { cookie: cookie.join('; ') });
  const files = () => [...fake.world.nodes.values()].filter(({ kind }) => kind === 'file');
  const bytesOf = (node: Node | undefined) => {
    const content = node && fake.world.contents.get(node.sha1);
    return content?.subarray(0, content.length) ?? null;
  };
  const unread =
    way === 'open' ? { accessToken: 'x', refreshToken: 'x', expiresAtMs: 0 } : { cookie: 'UID=1_A1_1;CID=c;SEID=e' };
  return {
    fake,
    oss,
    slept,
    pass: (ms) => {
      nowMs += ms;
    },
    files,
    connect: (settings) => connectWith(stored, settings),
    provider: () => connectWith(stored),
    partBytes: PART_BYTES,
    sameName: 'both',
    readBack: async ({ folder, name }) => {
      const path = `${ROOT}${folder}/${name}`.split('/').filter((step) => step !== '');
      return bytesOf(files().findLast((node) => pathOf(fake, node) === path.join('/')));
    },
    readReceipt: async (_item, { remoteId }) => bytesOf(files().find(({ id }) => id === remoteId)),
    listFarSide: async () => [...files().map(({ id }) => id), ...oss.store.uploads.keys()],
    expireSession: async (session) => {
      oss.store.uploads.delete(uploadIdOf(session));
    },
    failing: async () => ({ provider: connectWith(storing(unread)), kind: 'auth' }),
    [Symbol.asyncDispose]: async () => {
      await fake.close();
      await oss.close();
    },
  };
}

function tokensOf(fake: Fake115, now: number) {
  const pair = newPair(fake.world);
  return {
    accessToken: pair.access_token,
    refreshToken: pair.refresh_token,
    expiresAtMs: now + pair.expires_in * 1000,
  };
}

/** Stores before it answers, one after the other, as the product does. */
function storing(first: unknown): Stored {
  let kept = first;
  let turn: Promise<unknown> = Promise.resolve();
  return {
    read: async () => kept,
    rotate: (replace) => {
      const mine = turn.then(async () => {
        kept = await replace(kept);
        return kept;
      });
      turn = mine.catch(() => {});
      return mine;
    },
  };
}

function pathOf({ world }: Pick<Fake115, 'world'>, node: Node): string {
  const parent = world.nodes.get(node.parentId);
  return parent === undefined ? node.name : `${pathOf({ world }, parent)}/${node.name}`;
}

function uploadIdOf(session: Session): string {
  const isObject = typeof session === 'object' && session !== null && !Array.isArray(session);
  return isObject ? String(session['uploadId']) : '';
}
