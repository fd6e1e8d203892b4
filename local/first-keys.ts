/** Before the first start beside a store: keys that nobody has chosen, in files. Those that are there already stay. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, bucket] = process.argv.slice(2);
if (folder === undefined || bucket === undefined) {
  process.stderr.write('usage: node local/first-keys.ts <folder> <bucket>\n');
  process.exit(2);
}
mkdirSync(folder, { recursive: true, mode: 0o700 });
const accessKey = keep('access-key-id', () => `EP${randomBytes(9).toString('hex').toUpperCase()}`);
const secretKey = keep('secret-access-key', () => randomBytes(30).toString('base64url'));
keep('seaweedfs.json', () => JSON.stringify(identities(accessKey, secretKey, bucket)));

/** Owner only: whoever starts a store beside us is root or the same user. */
function keep(name: string, make: () => string): string {
  const path = join(folder ?? '', name);
  if (!existsSync(path)) writeFileSync(path, `${make()}\n`, { mode: 0o600, flag: 'wx' });
  return readFileSync(path, 'utf8').trim();
}

/** As SeaweedFS reads who may do what: these keys everything in this one bucket, and nobody anything else. */
function identities(accessKey: string, secretKey: string, bucket: string) {
  const actions = ['Read', 'Write', 'List'].map((action) => `${action}:${bucket}`);
  return { identities: [{ name: 'entrepot', credentials: [{ accessKey, secretKey }], actions }] };
}
