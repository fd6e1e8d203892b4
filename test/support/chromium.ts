/** A headless Chromium for tests, where there is one or one can be had. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';

const PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
];
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** `chromium` with the fonts of the languages that the page speaks. */
const PACKAGES = ['chromium', 'fonts-noto-cjk', 'fonts-noto-color-emoji'];

const run = promisify(execFile);

/**
 * Null when there is no browser and none can be installed; the reason is printed, and with `CI=true` it is thrown
 * instead. `ENTREPOT_CHROMIUM` names another binary; `ENTREPOT_NO_APT` forbids installing Debian's as root.
 */
export async function findChromium(): Promise<string | null> {
  const given = process.env['ENTREPOT_CHROMIUM'];
  const found = [...(given ? [given] : []), ...PATHS].find((path) => existsSync(path));
  if (found) return found;
  const reason = await install();
  const installed = PATHS.find((path) => existsSync(path));
  if (installed) return installed;
  const message = `no Chromium, so no test of the page in a browser: ${reason}`;
  if (process.env['CI'] === 'true') throw new Error(message);
  process.stderr.write(`\n!!! SKIPPED: ${message}\n`);
  return null;
}

/** Rejects when there is none: ask `findChromium` first where a test may be skipped. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = await findChromium();
  if (executablePath === null) throw new Error('no Chromium');
  return chromium.launch({ executablePath, args: FLAGS });
}

/** Answers why there is still none. */
async function install(): Promise<string> {
  if (process.env['ENTREPOT_NO_APT']) return 'ENTREPOT_NO_APT is set';
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return `install it (Debian: ${PACKAGES.join(' ')})`;
  process.stderr.write(`\ninstalling ${PACKAGES.join(', ')} for the tests of the page (ENTREPOT_NO_APT forbids it)\n`);
  try {
    await run('apt-get', ['update'], { timeout: 120_000 });
    await run('apt-get', ['install', '-y', '--no-install-recommends', ...PACKAGES], { timeout: 300_000 });
    return 'the package brought no binary';
  } catch (error) {
    return error instanceof Error ? error.message.slice(0, 300) : 'apt-get failed';
  }
}
