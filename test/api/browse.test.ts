import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '#adapters/system/clock.ts';
import { createCloudDrive2Client } from '#clients/clouddrive2/client.ts';
import { Fault } from '#core/fault.ts';
import { providerKind } from '#core/ports/connection.ts';
import { BrowseAnswer, ServerMountList, ServerTaskList } from '#core/wire/browse.ts';
import { cloudDrive2BrowserKind } from '#providers/clouddrive2/browser.ts';
import { CloudDrive2Login, CloudDrive2Settings } from '#providers/clouddrive2/settings.ts';
import { folderBrowserKind } from '#providers/folder/browser.ts';
import { pan115BrowserKind } from '#providers/pan115/browser.ts';
import { pan115Kind } from '#providers/pan115/provider.ts';
import { API_TOKEN, type FakeCloudDrive2, fakeCloudDrive2 } from '../fakes/clouddrive2/server.ts';
import { newPair } from '../fakes/pan115/passport.ts';
import { startFake115 } from '../fakes/pan115/server.ts';
import { addNode, ROOT_ID } from '../fakes/pan115/world.ts';
import { expectError } from './expect-error.ts';
import { type ApiRig, apiRig } from './rig.ts';

const open: (() => PromiseLike<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** Where files go is no matter here. */
const cloudDrive2Kind = providerKind<CloudDrive2Settings, CloudDrive2Login>({
  id: 'clouddrive2',
  settings: CloudDrive2Settings,
  credentials: CloudDrive2Login,
  siteSettings: ['address'],
  connect: () => {
    throw new Fault('bug', 'test.no_delivery', 'nothing is delivered here');
  },
});

async function newRig(): Promise<ApiRig> {
  const rig = await apiRig({
    kinds: [pan115Kind, cloudDrive2Kind],
    browsers: [folderBrowserKind, pan115BrowserKind, cloudDrive2BrowserKind],
  });
  open.push(() => rig[Symbol.asyncDispose]());
  return rig;
}

async function add(rig: ApiRig, destination: object): Promise<void> {
  const { status, text } = await rig.call('POST', '/api/v1/destinations', destination);
  if (status !== 201) throw new Error(text);
}

function look(rig: ApiRig, id: string, path: string, cursor?: string) {
  const query = new URLSearchParams({ path, ...(cursor === undefined ? {} : { cursor }) });
  return rig.call('GET', `/api/v1/destinations/${id}/browse?${query}`);
}

/** The names in a folder, over all pages. */
async function namesIn(rig: ApiRig, id: string, path: string): Promise<{ names: string[]; pages: number }> {
  const names: string[] = [];
  let cursor: string | undefined;
  for (let pages = 1; ; pages++) {
    const answer = await look(rig, id, path, cursor);
    const { items, next } = BrowseAnswer.parse(answer.body);
    names.push(...items.map(({ name }) => name));
    if (next === null) return { names, pages };
    cursor = next;
  }
}

describe('a folder of this machine', () => {
  test('shows its folders page by page, and neither files nor links', async () => {
    const rig = await newRig();
    const many = Array.from({ length: 401 }, (_, n) => `f${String(n).padStart(3, '0')}`);
    for (const name of many) await mkdir(join(rig.root, '影视', name), { recursive: true });
    await writeFile(join(rig.root, '影视', 'a.txt'), '');
    await symlink('/etc', join(rig.root, '影视', 'link'));
    expect(await namesIn(rig, 'folder', '/')).toEqual({ names: ['影视'], pages: 1 });
    expect(await namesIn(rig, 'folder', '影视/')).toEqual({ names: many, pages: 3 });
  });

  test('never shows what is outside of its root', async () => {
    const rig = await newRig();
    await symlink('/etc', join(rig.root, 'out'));
    await writeFile(join(rig.root, 'file'), '');
    expectError(await look(rig, 'folder', '/../..'), 400, 'request.invalid');
    expectError(await look(rig, 'folder', '/out'), 400, 'folder.path_escape');
    for (const path of ['/missing', '/file', '/file/x']) {
      expectError(await look(rig, 'folder', path), 404, 'destination.folder_unknown');
    }
    expectError(await look(rig, 'folder', '/', 'x'), 400, 'destination.bad_cursor');
  });

  test('a folder is made with all that lead to it, and again', async () => {
    const rig = await newRig();
    const make = () => rig.call('POST', '/api/v1/destinations/folder/folders', { path: 'a/b/新' });
    expect(await make()).toMatchObject({ status: 201, body: { path: '/a/b/新' } });
    expect((await make()).status).toBe(201);
    expect(await namesIn(rig, 'folder', '/a/b')).toEqual({ names: ['新'], pages: 1 });
    await rm(join(rig.root, 'a'), { recursive: true });
    await writeFile(join(rig.root, 'a'), '');
    expectError(await make(), 400, 'folder.not_a_directory');
  });
});

describe('a 115 account', () => {
  async function account(settings: object = {}) {
    const fake = await startFake115({ requestsPerSecond: 1000 });
    open.push(fake.close);
    const rig = await newRig();
    const { access_token: accessToken, refresh_token: refreshToken } = newPair(fake.world);
    const { api, passport } = fake.urls;
    await add(rig, {
      id: 'drive',
      provider: 'pan115',
      settings: { endpoints: { api, passport }, requestsPerSecond: 3, ...settings },
      credentials: { accessToken, refreshToken, expiresAtMs: Date.now() + 7_200_000 },
    });
    return { fake, rig };
  }

  test('shows the folders below the prefix, from pages of all kinds of entries', async () => {
    const { fake, rig } = await account({ prefix: '备份' });
    expect(await namesIn(rig, 'drive', '/')).toEqual({ names: [], pages: 1 });
    const top = addNode(fake.world, { parentId: ROOT_ID, name: '备份', kind: 'folder' });
    for (let n = 0; n < 1200; n++) addNode(fake.world, { parentId: top.id, name: `file ${n}`, kind: 'file' });
    for (const name of ['电影', '剧']) addNode(fake.world, { parentId: top.id, name, kind: 'folder' });
    const { names, pages } = await namesIn(rig, 'drive', '/');
    expect({ names: names.sort(), pages }).toEqual({ names: ['剧', '电影'], pages: 2 });
  });

  test('says when there is no such folder, and makes one', async () => {
    const { fake, rig } = await account();
    expectError(await look(rig, 'drive', '/a'), 404, 'destination.folder_unknown');
    expect((await rig.call('POST', '/api/v1/destinations/drive/folders', { path: '/a' })).status).toBe(201);
    expect([...fake.world.nodes.values()].map(({ name }) => name)).toEqual(['a']);
    expect(await namesIn(rig, 'drive', '/')).toEqual({ names: ['a'], pages: 1 });
  });
});

describe('a CloudDrive2 server', () => {
  async function server(settings: object = {}): Promise<{ fake: FakeCloudDrive2; rig: ApiRig }> {
    const fake = await fakeCloudDrive2();
    open.push(() => fake[Symbol.asyncDispose]());
    const rig = await newRig();
    await add(rig, {
      id: 'nas',
      provider: 'clouddrive2',
      settings: { address: `${fake.host}:${fake.port}`, ...settings },
      credentials: { apiToken: API_TOKEN },
    });
    return { fake, rig };
  }

  test('shows its clouds, and the folders in them page by page', async () => {
    const { fake, rig } = await server();
    for (let n = 0; n < 201; n++) fake.tree.addFolder(`/115/f${n}`);
    fake.tree.addFile({ path: '/115/a.bin', sizeBytes: 1, hashes: {} });
    expect(await namesIn(rig, 'nas', '/')).toEqual({ names: ['115'], pages: 1 });
    const { names, pages } = await namesIn(rig, 'nas', '/115');
    expect({ count: new Set(names).size, pages }).toEqual({ count: 201, pages: 2 });
    expectError(await look(rig, 'nas', '/115/none'), 404, 'destination.folder_unknown');
  });

  test('makes a folder below the prefix', async () => {
    const { fake, rig } = await server({ prefix: '115/inbox' });
    expect((await rig.call('POST', '/api/v1/destinations/nas/folders', { path: '/新 片' })).status).toBe(201);
    expect(fake.tree.find('/115/inbox/新 片')).toMatchObject({ kind: 'folder' });
    expect(await namesIn(rig, 'nas', '/')).toEqual({ names: ['新 片'], pages: 1 });
  });

  test('shows what it sends to its clouds, and its mounts', async () => {
    const { fake, rig } = await server();
    const client = createCloudDrive2Client({
      address: { url: `${fake.host}:${fake.port}` },
      credentials: { kind: 'token', token: API_TOKEN },
      time: systemClock(),
    });
    open.push(async () => client.close());
    const { signal } = new AbortController();
    await client.mountAdd({ place: '/mnt/115', source: '/115', access: 'read-only', start: 'by-hand' }, signal);
    for (let n = 0; n < 51; n++) {
      await client.startRemoteUpload({ path: `/115/f${n}`, sizeBytes: 9, hashes: {}, hashing: 'by-us' }, signal);
    }
    const first = ServerTaskList.parse((await rig.call('GET', '/api/v1/destinations/nas/tasks')).body);
    const rest = await rig.call('GET', `/api/v1/destinations/nas/tasks?cursor=${first.next}`);
    const tasks = [...first.items, ...ServerTaskList.parse(rest.body).items];
    expect(new Set(tasks.map(({ path }) => path)).size).toBe(51);
    expect(tasks[0]).toMatchObject({ sizeBytes: 9, transferredBytes: 0, errorMessage: '' });
    const mounts = await rig.call('GET', '/api/v1/destinations/nas/mounts');
    const { items } = ServerMountList.parse(mounts.body);
    expect(items).toEqual([{ place: '/mnt/115', source: '/115', isMounted: false, isReadOnly: true, failReason: '' }]);
  });

  test('tells its refusals by their code', async () => {
    const { fake, rig } = await server();
    fake.stop();
    expectError(await look(rig, 'nas', '/'), 503, 'clouddrive2.unavailable');
  });
});

test('a destination that cannot be looked around in says so', async () => {
  const rig = await newRig();
  await add(rig, { id: 'keyed', provider: 'keyed', settings: {} });
  const at = '/api/v1/destinations';
  expectError(await rig.call('GET', `${at}/keyed/browse`), 409, 'destination.no_browse');
  expectError(await rig.call('POST', `${at}/keyed/folders`, { path: '/a' }), 409, 'destination.no_browse');
  expectError(await rig.call('GET', `${at}/keyed/tasks`), 409, 'destination.no_browse');
  expectError(await rig.call('GET', `${at}/folder/tasks`), 409, 'destination.no_server');
  expectError(await rig.call('GET', `${at}/folder/mounts`), 409, 'destination.no_server');
  expectError(await rig.call('GET', `${at}/nobody/browse`), 404, 'destination.unknown');
});
