/** A page with one file field and a script, built as the console is: bundled, and its workers in files of their own. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

export interface BuiltPage extends AsyncDisposable {
  readonly url: string;
}

const CACHE = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url));
const HTML =
  '<!doctype html><meta charset="utf-8"><input id="file" type="file"><script type="module" src="entry.js"></script>';
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };

/** `entry` is the script's source, whose imports are absolute paths; `name` is that of its folder in the cache. */
export async function builtPage({
  name,
  entry,
}: {
  readonly name: string;
  readonly entry: string;
}): Promise<BuiltPage> {
  const root = join(CACHE, name);
  const dist = join(root, 'dist');
  await mkdir(root, { recursive: true });
  await writeFile(join(root, 'entry.js'), entry);
  await writeFile(join(root, 'index.html'), HTML);
  await build({
    root,
    configFile: false,
    logLevel: 'silent',
    base: './',
    worker: { format: 'es' },
    build: { outDir: dist, emptyOutDir: true, target: 'es2023' },
  });
  const server = createServer((request, response) => {
    const path = (request.url ?? '/') === '/' ? '/index.html' : (request.url ?? '');
    readFile(join(dist, path)).then(
      (content) => {
        response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
        response.end(content);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
