/** The console's files, built by `prepare`. */
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serveStatic } from '@hono/node-server/serve-static';
import type { MiddlewareHandler } from 'hono';
import type { Api } from '../functions/api.ts';

const PAGE = fileURLToPath(new URL('../web/dist', import.meta.url));

/** The bucket has an origin of its own and sockets go back to us; everything else comes from here. */
const POLICY = [
  "default-src 'self'",
  'connect-src *',
  "img-src 'self' data: blob:",
  "style-src 'self' 'unsafe-inline'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self' blob:",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

const withPolicy: MiddlewareHandler = async (c, next) => {
  await next();
  c.header('content-security-policy', POLICY);
  c.header('x-content-type-options', 'nosniff');
  c.header('referrer-policy', 'no-referrer');
};

/** Mounted after the API's routes. Without a build it says how to make one. */
export function mountPage(app: Api): void {
  if (!existsSync(PAGE)) {
    app.get('/', (c) => c.text('The page is not built. Run: npm run prepare\n', 503));
    return;
  }
  app.get(
    '/assets/*',
    withPolicy,
    serveStatic({
      root: relative(process.cwd(), PAGE),
      onFound: (_, c) => {
        c.header('cache-control', 'public, max-age=31536000, immutable');
      },
    }),
  );
  app.get('/*', withPolicy, serveStatic({ root: relative(process.cwd(), PAGE) }));
}
