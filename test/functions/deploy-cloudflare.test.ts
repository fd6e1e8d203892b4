import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from '../../infra/cloudflare/config.ts';
import { deployHome } from '../../infra/cloudflare/home.ts';

const RECORDER = fileURLToPath(new URL('../fakes/wrangler.mjs', import.meta.url));
const WRANGLER = join(ROOT, 'node_modules/wrangler/bin/wrangler.js');
const R2_KEYS = { ENTREPOT_R2_ACCESS_KEY_ID: 'id', ENTREPOT_R2_SECRET_ACCESS_KEY: 'secret' };
const MADE = ['ENTREPOT_TOKEN', 'ENTREPOT_SEAL_KEY', 'ENTREPOT_TICKET_KEY', 'ENTREPOT_CAPABILITY_KEY'];

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'entrepot-deployed-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const deploy = (given: Readonly<Record<string, string>>, anew: readonly string[] = []) =>
  deployHome({ command: ['env', `FAKE_WRANGLER_FOLDER=${folder}`, process.execPath, RECORDER], given, anew });

/** What wrangler was asked since the last time, and what was in the files that it was given. */
async function asked(): Promise<{ asked: string; account?: string; contents: any[] }[]> {
  const lines = (await readFile(join(folder, 'asked.ndjson'), 'utf8')).trim().split('\n');
  await rm(join(folder, 'asked.ndjson'));
  return lines.map((line) => JSON.parse(line));
}

/** Each step is a process, on a machine that may be busy. */
describe('npm run deploy:cloudflare', { timeout: 180_000 }, () => {
  it('makes everything on the first day, in an order in which each part finds what it needs', async () => {
    const { url, token } = await deploy(R2_KEYS);
    const calls = await asked();
    expect(calls.map((call) => call.asked)).toEqual([
      'whoami --json',
      'secret list --format json',
      'r2 bucket info entrepot-staging --json',
      'r2 bucket create entrepot-staging',
      'r2 bucket cors set entrepot-staging --file <file> --force',
      'r2 bucket lifecycle set entrepot-staging --file <file> --force',
      ...['entrepot-hints', 'entrepot-hints-dead', 'entrepot-staged', 'entrepot-staged-dead'].flatMap((name) => [
        `queues info ${name}`,
        `queues create ${name}`,
      ]),
      'r2 bucket notification list entrepot-staging',
      ...['staging/', 'inbox/'].map(
        (prefix) =>
          `r2 bucket notification create entrepot-staging --event-type object-create --prefix ${prefix} --queue entrepot-staged`,
      ),
      'deploy --var ENTREPOT_R2_ENDPOINT:https://acc0.r2.cloudflarestorage.com --secrets-file <file>',
    ]);
    expect(calls.slice(1).every(({ account }) => account === 'acc0')).toBe(true);
    const secrets = calls.at(-1)?.contents[0];
    expect(Object.keys(secrets).toSorted()).toEqual([...MADE, ...Object.keys(R2_KEYS)].toSorted());
    expect(secrets).toMatchObject(R2_KEYS);
    expect(Buffer.from(secrets.ENTREPOT_SEAL_KEY, 'base64')).toHaveLength(32);
    expect([url, token]).toEqual(['https://entrepot.somebody.workers.dev', secrets.ENTREPOT_TOKEN]);
  });

  it('makes nothing twice, and never another seal key', async () => {
    await deploy(R2_KEYS);
    await asked();
    expect((await deploy({})).token).toBeNull();
    const calls = await asked();
    expect(calls.filter((call) => / create /.test(call.asked))).toEqual([]);
    expect(calls.at(-1)?.contents).toEqual([{}]);
    const { token } = await deploy({}, ['ENTREPOT_TOKEN']);
    expect((await asked()).at(-1)?.contents).toEqual([{ ENTREPOT_TOKEN: token }]);
  });

  it('makes nothing at all before it is given the keys of R2, and says how one comes by them', async () => {
    await expect(deploy({ CLOUDFLARE_ACCOUNT_ID: 'mine' })).rejects.toThrow(/ENTREPOT_R2_ACCESS_KEY_ID .* R2 token/);
    expect((await asked()).map((call) => call.asked)).toEqual(['secret list --format json']);
  });

  it('leaves no secrets on this machine when it is stopped in the middle', async () => {
    const module = new URL('../../infra/cloudflare/home.ts', import.meta.url);
    const options = { command: [process.execPath, RECORDER], given: R2_KEYS, anew: [] };
    const script = `import { deployHome } from '${module}'; await deployHome(${JSON.stringify(options)})`;
    const env = { ...process.env, TMPDIR: folder, FAKE_WRANGLER_FOLDER: folder, FAKE_WRANGLER_HANGS: 'yes' };
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const closed = once(child, 'close');
    const said = text(child.stderr);
    const isDeploying = async () => (await readFile(join(folder, 'asked.ndjson'), 'utf8')).includes('"deploy ');
    while (!(await isDeploying().catch(() => false))) await new Promise((resolve) => setTimeout(resolve, 20));
    const left = async () => (await readdir(folder)).filter((name) => name.startsWith('entrepot-deploy-'));
    expect(await left()).toHaveLength(1);
    child.kill('SIGTERM');
    expect(await closed).toEqual([1, null]);
    expect(await said).toContain('stopped by SIGTERM');
    expect(await left()).toEqual([]);
  });

  it('asks for nothing that the installed wrangler does not know', async () => {
    const run = promisify(execFile);
    const wanted: readonly (readonly [string, readonly string[]])[] = [
      ['r2 bucket lifecycle set', ['--file', '--force']],
      ['r2 bucket notification create', ['--event-type', '--prefix', '--queue']],
      ['deploy', ['--var', '--secrets-file']],
    ];
    for (const [command, options] of wanted) {
      const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', XDG_CONFIG_HOME: folder };
      const { stdout } = await run(process.execPath, [WRANGLER, ...command.split(' '), '--help'], { cwd: folder, env });
      expect(stdout).toContain(`wrangler ${command}`);
      for (const option of options) expect(stdout).toMatch(new RegExp(`[ ,]${option}\\b`));
    }
  });
});

describe('the Worker as it is deployed', () => {
  it('gives the page the same policy as the home on AWS', async () => {
    const read = (path: string) => readFile(join(ROOT, path), 'utf8');
    const [headers, onAws] = [await read('web/public/_headers'), await read('infra/page.ts')];
    const [, list = ''] = /CONTENT_POLICY = \[([^\]]+)\]/.exec(onAws) ?? [];
    const directives = [...list.matchAll(/"([^"]+)"|'(connect[^']+)'/g)].map(([, one, other]) => one ?? other ?? '');
    expect(directives.length).toBeGreaterThan(5);
    for (const directive of directives) expect(headers).toContain(directive);
  });

  it('is built from wrangler.jsonc, with every binding, and stays far below the 3 MiB of the smallest plan', async () => {
    const told = join(folder, 'told.ndjson');
    const args = [WRANGLER, 'deploy', '--dry-run', '--outdir', join(folder, 'out')];
    const env = {
      ...process.env,
      WRANGLER_SEND_METRICS: 'false',
      XDG_CONFIG_HOME: folder,
      WRANGLER_OUTPUT_FILE_PATH: told,
    };
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, env });
    for (const name of ['TABLE', 'HUB', 'HINTS', 'STAGING', 'ENTREPOT_BUCKET']) expect(stdout).toContain(`env.${name}`);
    const gzippedKiB = Number(/gzip: ([\d.]+) KiB/.exec(stdout)?.[1]);
    expect(gzippedKiB).toBeGreaterThan(0);
    expect(gzippedKiB).toBeLessThan(1_024);
  }, 180_000);
});
