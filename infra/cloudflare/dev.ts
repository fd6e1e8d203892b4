/**
 * `npm run dev:cloudflare`: the Cloudflare home on this machine, in workerd, without an account. Its secrets are in `.dev.vars`, its
 * state in `.wrangler`; R2 here tells no events, so that arrivals are looked for.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './config.ts';
import { missingSecrets } from './secrets.ts';

const PORT = process.env['PORT'] ?? '8787';
const SECRETS = join(ROOT, '.dev.vars');
/** Those that `wrangler.jsonc` has for the bucket of this machine. */
const R2_KEYS = { ENTREPOT_R2_ACCESS_KEY_ID: 'local', ENTREPOT_R2_SECRET_ACCESS_KEY: 'localsecret' };

if (!existsSync(SECRETS)) {
  const lines = Object.entries(missingSecrets(new Set(), R2_KEYS, [])).map(([name, value]) => `${name}="${value}"\n`);
  writeFileSync(SECRETS, lines.join(''), { mode: 0o600 });
}
const token = /^ENTREPOT_TOKEN="(.+)"$/m.exec(readFileSync(SECRETS, 'utf8'))?.[1] ?? '';
const url = `http://localhost:${PORT}`;
const variables = [`ENTREPOT_R2_ENDPOINT:${url}/cdn-cgi/local/r2/s3`, 'ENTREPOT_ARRIVALS:looked-for'];
const child = spawn(
  process.execPath,
  [
    join(ROOT, 'node_modules/wrangler/bin/wrangler.js'),
    ...['dev', '--port', PORT, '--ip', '127.0.0.1'],
    ...variables.flatMap((variable) => ['--var', variable]),
  ],
  { cwd: ROOT, stdio: 'inherit', env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } },
);
process.stdout.write(`Entrepot will be at  ${url}/#token=${encodeURIComponent(token)}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
child.once('exit', (code) => process.exit(code ?? 1));
