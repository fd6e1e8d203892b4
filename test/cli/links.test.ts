/** A link from end to end: made by its owner, used by a customer with a shell, over a `kill -9` of the real server. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '#adapters/system/clock.ts';
import { type RunningServer, type ServerHome, serverHome } from '../support/server.ts';
import { command } from './command.ts';

let home: ServerHome;
let server: RunningServer;
let folder: string;

beforeAll(async () => {
  home = await serverHome();
  server = await home.start();
  folder = await mkdtemp(join(tmpdir(), 'entrepot-links-'));
});

afterAll(async () => {
  await home.cleanup();
  await rm(folder, { recursive: true, force: true });
});

const owner = (...args: readonly string[]) =>
  command(args, { env: { ENTREPOT_DATA: home.dataDir }, clock: systemClock() });
/** Knows of the server what the address says. */
const customer = (...args: readonly string[]) =>
  command(['put', ...args], { env: { ENTREPOT_DATA: folder, HOME: folder }, clock: systemClock() });

async function file(name: string, sizeBytes: number) {
  const path = join(folder, name);
  const bytes = randomBytes(sizeBytes);
  await writeFile(path, bytes);
  return { path, bytes };
}

async function arrived(): Promise<void> {
  const watched = await owner('watch', ...(await transferIds()));
  expect(watched.code).toBe(0);
}

const transferIds = async () => (await owner('ls')).events.map(({ id }) => String(id));

it('takes what its owner allowed from whoever has it, also over a kill -9, and nothing once it is revoked', async () => {
  const made = await owner('links', 'add', 'Holiday', '--to', 'folder/in', '--files', '2', '--suffix', '.mov');
  expect({ code: made.code, errors: made.errors }).toEqual({ code: 0, errors: '' });
  const url = String(made.events[0]?.['url']);
  const one = await file('one.mov', 11 * 1024 * 1024);
  const two = await file('two.mov', 5);
  const three = await file('three.mov', 5);

  const nameless = await customer(one.path, '--to-link', url);
  expect([nameless.code, nameless.errors]).toEqual([1, expect.stringContaining('link.name_needed')]);
  expect(await customer(one.path, '--to-link', url, '--as', 'Ann')).toMatchObject({ code: 0, errors: '' });
  // A kill may lose the event of a chunk, which is made up for a minute later: longer than a test waits.
  await arrived();
  await server.stop('SIGKILL');
  server = await home.start();

  const again = await customer(one.path, '--to-link', url, '--as', 'Ann');
  expect(again.events.at(-1)).toMatchObject({ event: 'staged', sentBytes: 0 });
  expect(await customer(two.path, '--to-link', url, '--as', 'Ann')).toMatchObject({ code: 0 });
  const full = await customer(three.path, '--to-link', url, '--as', 'Bob');
  expect([full.code, full.errors]).toEqual([1, expect.stringContaining('link.full')]);
  // Not taken for the file of Ann, which is in another folder.
  const renamed = await customer(two.path, '--to-link', url, '--as', 'Bob');
  expect([renamed.code, renamed.errors]).toEqual([1, expect.stringContaining('link.full')]);
  await arrived();
  for (const { path, bytes } of [one, two]) {
    const there = join(home.dataDir, 'delivered/in/Ann', path.slice(folder.length));
    expect((await readFile(there)).equals(bytes)).toBe(true);
  }
  expect(await readdir(join(home.dataDir, 'delivered/in'))).toEqual(['Ann']);

  const [listed] = (await owner('links')).events;
  expect(listed).toMatchObject({ name: 'Holiday', state: 'full', filesUsed: 2, bytesUsed: 11 * 1024 * 1024 + 5 });
  expect((await owner('links', 'revoke', String(listed?.['id']))).code).toBe(0);
  const refused = await customer(two.path, '--to-link', url, '--as', 'Ann');
  expect([refused.code, refused.errors]).toEqual([2, expect.stringContaining('link.revoked')]);
  const secret = url.split('=')[1] ?? '';
  expect(server.errors() + refused.out + refused.errors + made.errors).not.toContain(secret);
  for (const name of (await readdir(home.dataDir)).filter((kept) => kept.startsWith('entrepot.db'))) {
    expect((await readFile(join(home.dataDir, name))).includes(secret.slice(27))).toBe(false);
  }
}, 60_000);

it('is not taken for an address that is none, nor beside a destination', async () => {
  const { path } = await file('x.bin', 1);
  for (const args of [
    ['--to-link', 'http://localhost:1/'],
    ['--to-link', 'x#drop=y'],
    ['--to-link', 'http://localhost:1/#drop=y', '--to', 'folder'],
    [],
  ]) {
    expect((await customer(path, ...args)).code).toBe(2);
  }
});
