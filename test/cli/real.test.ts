/** The command line against the real server, as a process of its own where that matters. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '#adapters/system/clock.ts';
import { type RunningServer, type ServerHome, serverHome } from '../support/server.ts';
import { command } from './command.ts';

const MAIN = fileURLToPath(new URL('../../cli/entrepot.mjs', import.meta.url));

let home: ServerHome;
let server: RunningServer;
let folder: string;

beforeAll(async () => {
  home = await serverHome();
  server = await home.start();
  folder = await mkdtemp(join(tmpdir(), 'entrepot-cli-'));
});

afterAll(async () => {
  await home.cleanup();
  await rm(folder, { recursive: true, force: true });
});

const entrepot = (...args: readonly string[]) =>
  command(args, { env: { ENTREPOT_DATA: home.dataDir }, clock: systemClock() });

const delivered = (path: string) => readFile(join(home.dataDir, 'delivered', path));

describe('entrepot with the real server', () => {
  it('puts a file of several chunks and watches it arrive', async () => {
    const path = join(folder, '测试.mp4');
    const bytes = randomBytes(21 * 1024 * 1024);
    await writeFile(path, bytes);
    const { code, events, errors } = await entrepot('put', path, '--to', 'folder/影视', '--watch');
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect((await delivered('影视/测试.mp4')).equals(bytes)).toBe(true);
    expect(events.filter(({ event }) => event === 'transfer').at(-1)).toMatchObject({ status: 'success' });
    const again = await entrepot('put', path, '--to', 'folder/影视');
    expect(again.events.at(-1)).toMatchObject({ event: 'staged', sentBytes: 0 });
    expect(await readdir(join(home.dataDir, 'delivered/影视'))).toEqual(['测试.mp4']);
  });

  it('follows a transfer by its id until it ends, and lists it', async () => {
    const path = join(folder, 'small.txt');
    await writeFile(path, 'small');
    const put = await entrepot('put', path, '--to', 'folder');
    const id = /trf_\w{26}/.exec(put.out)?.[0] ?? '';
    const watched = await entrepot('watch', id);
    expect(watched.code).toBe(0);
    expect(watched.events.at(-1)).toMatchObject({ event: 'transfer', id, phase: 'done' });
    const listed = await entrepot('ls', '--status', 'success', '--to', 'folder');
    expect(listed.events.map((view) => view['id'])).toContain(id);
    expect((await entrepot('ls', '--status', 'failed')).out).toBe('');
  });

  it('says which transfers could not be told what to do', async () => {
    const { code, errors } = await entrepot('pause', 'trf_00000000000000000000000000');
    expect(code).toBe(1);
    expect(errors).toMatch(/^entrepot: trf_0+: transfer\.unknown: .+\n$/);
    expect((await entrepot('watch', 'trf_00000000000000000000000000')).code).toBe(1);
  });

  it('the doctor finds everything well, and a destination that is not', async () => {
    const well = await entrepot('doctor');
    expect(well.events.map(({ name, ok }) => [name, ok])).toEqual([
      ['server', true],
      ['token', true],
      ['socket', true],
      ['announce', true],
      ['presigned put', true],
      ['delivery', true],
      ['destination folder', true],
    ]);
    expect(well.code).toBe(0);
    expect((await readdir(join(home.dataDir, 'delivered'))).join()).toMatch(/entrepot-doctor-\S+\.txt/);
    const settings = { root: join(folder, 'small.txt/nowhere') };
    expect(
      (await server.api('POST', '/api/v1/destinations', { id: 'gone', provider: 'folder', settings })).status,
    ).toBe(201);
    const ill = await entrepot('doctor');
    expect(ill.code).toBe(1);
    expect(ill.events.find(({ name }) => name === 'destination gone')).toMatchObject({ ok: false });
    expect((await server.api('DELETE', '/api/v1/destinations/gone')).status).toBe(200);
  });

  it('runs as a process: JSON in a pipe, keys for S3 clients, an exit code', async () => {
    const env = { ...process.env, ENTREPOT_DATA: home.dataDir };
    const run = (...args: string[]) =>
      new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
        execFile(process.execPath, [MAIN, ...args], { env }, (error, stdout, stderr) =>
          resolve({ code: error?.code ?? 0, stdout, stderr }),
        );
      });
    const [destinations, s3, wrong] = await Promise.all([
      run('destinations'),
      run('s3', '--env'),
      run('put', '/nowhere', '--to', 'folder'),
    ]);
    expect(JSON.parse(destinations.stdout)).toMatchObject({ event: 'destination', id: 'folder', provider: 'folder' });
    expect(s3.stdout).toMatch(/^AWS_ACCESS_KEY_ID=\S+\nAWS_SECRET_ACCESS_KEY=\S+\n/);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringMatching(/^entrepot: file\.missing: /) });
  });
});
