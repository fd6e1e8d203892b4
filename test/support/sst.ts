/** SST's platform and its providers' types, installed once from npm: 320 MB, which only a deployment and these tests need. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as z from 'zod';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CACHE = join(ROOT, 'node_modules/.cache/sst');

/** 35 s on a quick machine. */
const INSTALL_TIMEOUT_MS = 900_000;
const TRIES = 2;

const run = promisify(execFile);

/**
 * A folder with `.sst/platform` in it, as `sst install` makes it of our sst.config.ts. Needs npm's registry, the first time. What
 * has been installed by an interrupted call is not taken.
 */
export async function sstPlatform(): Promise<string> {
  const folder = join(CACHE, nameOf());
  if (existsSync(folder)) return folder;
  mkdirSync(CACHE, { recursive: true });
  const fresh = mkdtempSync(join(CACHE, 'installing-'));
  try {
    for (const name of ['sst.config.ts', 'infra']) cpSync(join(ROOT, name), join(fresh, name), { recursive: true });
    writeFileSync(join(fresh, 'package.json'), '{ "private": true, "type": "module" }');
    await install(fresh, TRIES);
    // Another worker may have been quicker.
    if (!existsSync(folder)) renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}

/** The version of SST, and the providers that the configuration names. */
function nameOf(): string {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(ROOT, 'node_modules/sst/package.json'), 'utf8')));
  const providers = /providers: \{(.*)\},$/m.exec(readFileSync(join(ROOT, 'sst.config.ts'), 'utf8'))?.[1] ?? '';
  const pins = [...providers.matchAll(/(\w+): \{ version: '([^']+)' \}/g)].map(([, name, pin]) => `${name}-${pin}`);
  return [`sst-${version}`, ...pins].join('_');
}

async function install(folder: string, tries: number): Promise<void> {
  const env = {
    ...process.env,
    PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}`,
    // Pulumi's engine comes from elsewhere, and is needed by deployments alone.
    SST_SKIP_DEPENDENCY_CHECK: '1',
    SST_NO_BUN: '1',
    SST_TELEMETRY_DISABLED: '1',
    XDG_CONFIG_HOME: join(folder, '.config'),
  };
  try {
    await run('sst', ['install', '--stage', 'test'], { cwd: folder, env, timeout: INSTALL_TIMEOUT_MS });
    if (!existsSync(join(folder, '.sst/platform/config.d.ts'))) throw new Error('sst install made no types');
  } catch (error) {
    if (tries <= 1) throw error;
    await install(folder, tries - 1);
  }
}
