/** `npm run deploy:cloudflare`: makes what is missing, deploys, and says where. `-- --new-token` makes another token of the owner. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './config.ts';
import { deployHome } from './home.ts';

try {
  const { values } = parseArgs({ options: { 'new-token': { type: 'boolean', default: false } } });
  if (!existsSync(join(ROOT, 'web/dist/index.html'))) throw new Error('the page is not built: run `npm run prepare`');
  const { url, token } = await deployHome({
    command: [process.execPath, join(ROOT, 'node_modules/wrangler/bin/wrangler.js')],
    given: process.env,
    anew: values['new-token'] ? ['ENTREPOT_TOKEN'] : [],
  });
  const rest =
    token === null
      ? '  (the token is as it was; `-- --new-token` makes another)'
      : `/#token=${encodeURIComponent(token)}`;
  process.stdout.write(`Entrepot deployed  ${url}${rest}\n`);
} catch (error) {
  process.stderr.write(`Not deployed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
