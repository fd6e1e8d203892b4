/** Files that other people's S3 clients put into the inbox, of our own bucket and of radosgw, arrive byte for byte. */
import { createHash, randomFillSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ulid } from 'ulid';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type ForeignStore, foreignClients } from '../support/foreign-clients.ts';
import { radosgwAt } from '../support/radosgw.ts';
import { type RunningServer, type ServerHome, serverHome } from '../support/server.ts';

/** Below and above what each client puts in one piece; none ends on a part's border. */
const LARGE = { 'thirty.bin': 30_000_001, 'two hundred + one.bin': 200_000_003 };
const ODD_NAMES = [
  'two  spaces .txt',
  'plus+and+plus.txt',
  '影视 第二季.txt',
  '😀🚀.txt',
  `it's "quoted".txt`,
  '100% %41.txt',
  '.leading dot',
  '..two dots',
  'a&b=c;d,e#f.txt',
];
const BLOCK_BYTES = 1024 * 1024;

interface Inbox {
  readonly home: ServerHome;
  readonly server: RunningServer;
  readonly store: ForeignStore;
}

const clients = await foreignClients();
const radosgw = inject('radosgw');
const inboxes: readonly { readonly of: string; begin(): Promise<Inbox> }[] = [
  { of: 'our bucket', begin: ours },
  ...(radosgw === null ? [] : [{ of: 'radosgw', begin: theirs }]),
];

let folder: string;
/** SHA-256 by name, relative to the folder. */
const digests = new Map<string, string>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'entrepot-foreign-'));
  const files = join(folder, 'files');
  await mkdir(join(files, 'odd names'), { recursive: true });
  await writeFile(join(files, 'empty.bin'), '');
  await writeFile(join(files, 'one.bin'), 'x');
  for (const name of ODD_NAMES) await writeFile(join(files, 'odd names', name), name);
  for (const [name, sizeBytes] of Object.entries(LARGE)) await writeLarge(join(files, name), sizeBytes);
  const names = ['empty.bin', 'one.bin', ...Object.keys(LARGE), ...ODD_NAMES.map((name) => `odd names/${name}`)];
  for (const name of names) digests.set(name, await sha256Of(join(files, name)));
});

afterAll(async () => {
  if (folder) await rm(folder, { recursive: true, force: true });
});

describe.each(inboxes)('into the inbox of $of', ({ begin }) => {
  let home: ServerHome;
  let server: RunningServer;
  let store: ForeignStore;

  beforeAll(async () => {
    ({ home, server, store } = await begin());
  });
  afterAll(() => home?.cleanup());

  test.each(clients)('what $name puts arrives byte for byte', async ({ name, putFolder }) => {
    const scratch = await mkdtemp(join(folder, 'scratch-'));
    await putFolder({ store, scratch, folder: join(folder, 'files'), prefix: `inbox/folder/${name}/` });
    await untilDelivered(server, name);
    for (const [path, digest] of digests) {
      expect(await sha256Of(join(home.dataDir, 'delivered', name, path)), path).toBe(digest);
    }
  });
});

async function ours(): Promise<Inbox> {
  const home = await serverHome();
  const server = await home.start();
  const store: ForeignStore = JSON.parse(await readFile(join(home.dataDir, 's3.json'), 'utf8'));
  return { home, server, store };
}

async function theirs(): Promise<Inbox> {
  if (radosgw === null) throw new Error('no radosgw');
  const store = { ...radosgw, bucket: `foreign-${ulid().toLowerCase()}` };
  await radosgwAt(radosgw).makeBucket(store.bucket);
  const home = await serverHome({
    ENTREPOT_S3_ENDPOINT: store.endpoint,
    ENTREPOT_S3_REGION: store.region,
    ENTREPOT_S3_BUCKET: store.bucket,
    ENTREPOT_S3_ACCESS_KEY_ID: store.accessKeyId,
    ENTREPOT_S3_SECRET_ACCESS_KEY: store.secretAccessKey,
  });
  return { home, server: await home.start(), store };
}

/** Each file once, and all of them done. */
async function untilDelivered(server: RunningServer, client: string): Promise<void> {
  for (;;) {
    const { body } = await server.api('GET', '/api/v1/transfers?limit=200');
    const mine = body.items.filter(({ path }: { path: string }) => path.split('/')[1] === client);
    const failed = mine.find(({ phase }: { phase: string }) => phase === 'failed' || phase === 'canceled');
    if (failed) throw new Error(`${failed.name}: ${JSON.stringify(failed.error)}`);
    if (mine.length > digests.size) throw new Error('more deliveries than files');
    if (mine.length === digests.size && mine.every(({ phase }: { phase: string }) => phase === 'done')) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Random blocks, each stamped with its number, so that a swapped or repeated part shows. */
async function writeLarge(path: string, sizeBytes: number): Promise<void> {
  const block = randomFillSync(Buffer.alloc(BLOCK_BYTES));
  await using file = await open(path, 'w');
  for (let at = 0; at < sizeBytes; at += BLOCK_BYTES) {
    block.writeDoubleBE(at, 0);
    await file.write(block, 0, Math.min(BLOCK_BYTES, sizeBytes - at));
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
