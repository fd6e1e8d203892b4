/** A headless Chromium for tests, where there is one or one can be had. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { havePrograms } from './apt.ts';

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

/**
 * Null when there is no browser and none can be installed; the reason is printed, and with `CI=true` it is thrown
 * instead. `ENTREPOT_CHROMIUM` names another binary; `ENTREPOT_NO_APT` forbids installing Debian's as root.
 */
export async function findChromium(): Promise<string | null> {
  const given = process.env['ENTREPOT_CHROMIUM'];
  const known = [...(given ? [given] : []), ...PATHS];
  const find = () => known.find((path) => existsSync(path)) ?? null;
  if (find() === null) {
    await havePrograms({ purpose: 'test of the page in a browser', binaries: ['chromium'], packages: PACKAGES });
  }
  return find();
}

/** Rejects when there is none: ask `findChromium` first where a test may be skipped. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = await findChromium();
  if (executablePath === null) throw new Error('no Chromium');
  return chromium.launch({ executablePath, args: FLAGS });
}
