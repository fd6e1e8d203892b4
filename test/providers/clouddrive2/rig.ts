/** A destination at the fake CloudDrive2, by one of its ways, in a time that does not pass while anybody waits. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Item, ServeProvider } from '#core/ports/provider.ts';
import { cloudDrive2Kind } from '#providers/clouddrive2/provider.ts';
import { hasty } from '../../clients/clouddrive2/rig.ts';
import type { AskingManner, ServeRig } from '../../contract/serve-rig.ts';
import type { FakeDav } from '../../fakes/clouddrive2/dav.ts';
import type { Habit } from '../../fakes/clouddrive2/habits.ts';
import {
  ACCOUNT,
  API_TOKEN,
  type FakeCloudDrive2,
  type FakeOptions,
  fakeCloudDrive2,
} from '../../fakes/clouddrive2/server.ts';
import { NO_STORE } from '../../support/no-store.ts';

export type WayName = 'mount' | 'remote' | 'webdav';

export interface CloudDrive2Rig extends ServeRig, AsyncDisposable {
  readonly fake: FakeCloudDrive2;
  readonly dav: FakeDav;
  /** Where the mount stands, whether it is mounted or not. */
  readonly mountPoint: string;
  connect(settings?: Readonly<Record<string, unknown>>, credentials?: Readonly<Record<string, unknown>>): ServeProvider;
  /** The virtual path of the item. */
  pathOf(item: Pick<Item, 'folder' | 'name'>): string;
}

export const PREFIX = '/115/收件';
const MIB = 1024 * 1024;
const READ_BYTES = 100_000;

/** `ways`: those that are open, and tried in this order. */
export async function cloudDrive2Rig(ways: readonly WayName[], options: FakeOptions = {}): Promise<CloudDrive2Rig> {
  const fake = await fakeCloudDrive2({ ...options, rules: { readBytes: READ_BYTES, ...options.rules } });
  fake.habits.add('finished tasks stay in the list');
  fake.tree.addFolder(PREFIX);
  const dav = await fake.openDav();
  const mountPoint = await mkdtemp(join(tmpdir(), 'entrepot-cd2-'));
  if (ways.includes('mount')) fake.mountAt(mountPoint, '/');
  const login = { apiToken: API_TOKEN, webdavUserName: ACCOUNT.userName, webdavPassword: ACCOUNT.password };
  const pathOf = ({ folder, name }: Pick<Item, 'folder' | 'name'>) =>
    `${PREFIX}${folder === '/' ? '' : folder}/${name}`;

  const connect: CloudDrive2Rig['connect'] = (settings = {}, credentials = login) => {
    const provider = cloudDrive2Kind.connect({
      destinationId: 'cd2',
      deviceId: '00112233445566778899aabbccddeeff',
      settings: { address: `${fake.host}:${fake.port}`, prefix: PREFIX, order: ways, webdav: dav.url, ...settings },
      credentials: { read: async () => credentials, rotate: (replace) => replace(credentials) },
      clock: hasty(fake.time),
      staging: NO_STORE,
    });
    if (provider.mode !== 'serve') throw new Error('not a serve provider');
    return provider;
  };

  return {
    fake,
    dav,
    mountPoint,
    connect,
    pathOf,
    provider: () => connect(),
    severalReadsBytes: ways[0] === 'mount' ? 8 * MIB + 9 : 3 * READ_BYTES,
    behave: (manner) => {
      const habit = (ways[0] === 'remote' ? HABITS : UNASKED)[manner];
      if (habit === undefined) return false;
      if (habit === 'hashes')
        fake.rules = { ...fake.rules, hashes: [{ type: 1, blockBytes: 70_000 }, { type: 2 }, { type: 3 }] };
      else if (habit !== 'as it is') fake.habits.add(habit);
      return true;
    },
    settle: async () => {
      fake.flushWrites();
      await fake.time.advance(20_000);
    },
    readBack: async (item) => {
      const found = fake.tree.find(pathOf(item));
      // Of a file that was known by its hash no byte is kept.
      return found?.content ?? (found?.sizeBytes === 0 ? new Uint8Array(0) : null);
    },
    listFarSide: async () => [
      ...fake.tree.files(),
      ...fake.unsentFiles(),
      ...fake.uploads().flatMap(({ id, status }) => (ENDED.has(status) ? [] : [id])),
    ],
    expireSession: async (_session, { folder, transferId, name }) => {
      fake.forgetUploads();
      const extension = /\.\w+$/.exec(name)?.[0] ?? '';
      await rm(join(mountPoint, PREFIX, folder, `.entrepot-${transferId}${extension}`), { force: true });
    },
    failing: async () => ({
      provider: connect({}, { apiToken: 'x', webdavUserName: ACCOUNT.userName, webdavPassword: 'x' }),
      kind: 'auth',
    }),
    [Symbol.asyncDispose]: async () => {
      await fake[Symbol.asyncDispose]();
      await rm(mountPoint, { recursive: true, force: true });
    },
  };
}

const HABITS: Readonly<Record<AskingManner, Habit | 'hashes'>> = {
  'out of order': 'reads out of order',
  twice: 'reads twice',
  overlapping: 'reads overlap',
  'past the end': 'reads past the end',
  'also of others': 'speaks of uploads of others',
  'before open answers': 'asks before the start is answered',
  'for digests first': 'hashes',
  'until settled': 'shows new files late',
};

/** Ways that ask by themselves: always in order, and what they write is settled later. */
const UNASKED: Partial<Readonly<Record<AskingManner, 'as it is' | Habit | 'hashes'>>> = { 'until settled': 'as it is' };

const ENDED: ReadonlySet<string> = new Set(['Finish', 'Skipped', 'Cancelled', 'Error', 'FatalError', 'Ignored']);
