/** Uppy as its makers publish it: installed from the registry, bundled, and served to a browser from an origin of its own. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { build } from 'vite';

export type UppyVersion = '5.1.0' | '6.3.1';

/** The plug-in's version, and the core that belongs to it: the two lines cannot live in one tree. */
const CORES: Readonly<Record<UppyVersion, string>> = { '5.1.0': '5.2.0', '6.3.1': '6.3.1' };
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/uppy', import.meta.url));

const run = promisify(execFile);

/** What the page puts into `window`: the two classes, unmodified. */
const ENTRY =
  "import Uppy from '@uppy/core';\nimport AwsS3 from '@uppy/aws-s3';\nObject.assign(window, { Uppy, AwsS3 });\n";
const PAGE = `<!doctype html><meta charset="utf-8"><title>uppy</title><input type="file" id="file">
<script type="module" src="/uppy.js"></script>`;

/** One visit of a page with Uppy: what it is given, and what is done to it on the way. */
export interface Visit {
  readonly endpoint: string;
  /** A bearer token, which version 5 can send. */
  readonly token?: string;
  readonly name?: string;
  readonly type?: string;
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly partBytes?: number;
  readonly multipart?: boolean;
  /** As a page would have kept it from an earlier visit. */
  readonly resume?: unknown;
  /** After so many parts: pause and resume, cancel, or just look on (for a page that is then closed). */
  readonly after?: { readonly parts: number; readonly deed: 'pause' | 'cancel' | 'leave' };
  /** Tries again as often as a person would press the button. */
  readonly retries?: number;
}

export interface Visited {
  readonly outcome: 'success' | 'failed' | 'left' | 'canceled';
  readonly error: string | null;
  readonly uploadUrl: string | null;
  readonly parts: number;
  /** What Uppy keeps of a multipart upload. */
  readonly kept: unknown;
}

export interface UppyPage {
  /** Of the page: another origin than the API's and the bucket's. */
  readonly url: string;
  close(): Promise<void>;
}

/** Null when the registry cannot be reached; the reason is printed, and with `CI=true` it is thrown instead. */
export async function findUppy(version: UppyVersion): Promise<string | null> {
  try {
    return await bundled(version);
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 300) : 'unknown error';
    const message = `no @uppy/aws-s3 ${version}, so no test of it: ${reason}`;
    if (process.env['CI'] === 'true') throw new Error(message, { cause: error });
    process.stderr.write(`\n!!! SKIPPED: ${message}\n`);
    return null;
  }
}

export async function servePage(script: string): Promise<UppyPage> {
  const server = createServer((request, response) => {
    const isScript = request.url === '/uppy.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : PAGE);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The script, made once and kept: a second start is quick and needs no registry. */
async function bundled(version: UppyVersion): Promise<string> {
  const home = join(CACHE, version);
  if (!existsSync(join(home, 'node_modules/@uppy/aws-s3/package.json'))) await install(version, home);
  return bundledScript(home);
}

/** One script of `home`'s `entry.js` and all that it imports. */
export async function bundledScript(home: string): Promise<string> {
  const result = await build({
    root: home,
    configFile: false,
    logLevel: 'silent',
    build: { write: false, minify: false, lib: { entry: join(home, 'entry.js'), formats: ['es'], fileName: 'uppy' } },
  });
  for (const { output } of [result].flat().filter((each) => 'output' in each)) {
    const [chunk] = output;
    if (chunk?.type === 'chunk') return chunk.code;
  }
  throw new Error('the bundler gave no script');
}

async function install(version: UppyVersion, home: string): Promise<void> {
  const fresh = `${home}.${process.pid}`;
  await mkdir(fresh, { recursive: true });
  const dependencies = { '@uppy/core': CORES[version], '@uppy/aws-s3': version };
  await writeFile(join(fresh, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }));
  await writeFile(join(fresh, 'entry.js'), ENTRY);
  const flags = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock'];
  await run('npm', flags, { cwd: fresh, timeout: 180_000 });
  await rm(home, { recursive: true, force: true });
  await rename(fresh, home);
}

/** Uploads the file that the page's input has been given. */
export async function visit(page: Page, version: UppyVersion, given: Visit): Promise<Visited> {
  await page.waitForFunction(() => 'Uppy' in globalThis);
  return page.evaluate(visitInPage, { version, given });
}

/** Runs in the page, so it may use nothing from outside. */
async function visitInPage({ version, given }: { version: string; given: Visit }): Promise<Visited> {
  const page = globalThis as any;
  const { name, type = 'video/mp4', meta = {}, partBytes, multipart, resume, after, retries = 0 } = given;
  const uppy = new page.Uppy();
  uppy.use(page.AwsS3, {
    [version.startsWith('5') ? 'endpoint' : 'companionEndpoint']: given.endpoint,
    ...(given.token === undefined ? {} : { headers: { authorization: `Bearer ${given.token}` } }),
    ...(partBytes === undefined ? {} : { getChunkSize: () => partBytes }),
    ...(multipart === undefined ? {} : { shouldUseMultipart: multipart }),
  });
  const data = page.document.getElementById('file').files[0];
  const id = uppy.addFile({ name: name ?? data.name, type, data, meta, source: 'Local', isRemote: false });
  if (resume !== undefined) uppy.setFileState(id, { s3Multipart: resume });
  let parts = 0;
  let kept: unknown = null;
  const told = (outcome: Visited['outcome'], file?: any): Visited => ({
    outcome,
    error: file?.error ?? null,
    uploadUrl: file?.uploadURL ?? null,
    parts,
    kept,
  });
  const left = new Promise<Visited>((resolve) => {
    uppy.on('s3-multipart:part-uploaded', () => {
      kept = JSON.parse(JSON.stringify(uppy.getFile(id)?.s3Multipart ?? null));
      if (++parts !== after?.parts) return;
      if (after.deed === 'leave') resolve(told('left'));
      if (after.deed === 'cancel') {
        uppy.cancelAll();
        resolve(told('canceled'));
      }
      if (after.deed === 'pause') {
        uppy.pauseAll();
        page.setTimeout(() => uppy.resumeAll(), 100);
      }
    });
  });
  const uploaded = async (): Promise<Visited> => {
    let result = await uppy.upload();
    for (let tries = 0; tries < retries && result.failed.length > 0; tries++) result = await uppy.retryAll();
    const [done] = result.successful;
    return done ? told('success', done) : told('failed', uppy.getFile(id));
  };
  return Promise.race([left, uploaded()]);
}
