/**
 * `node test/support/ceph/radosgw-server.ts [FILE]`: a radosgw to work beside, until Ctrl-C. FILE (default
 * `/tmp/entrepot-radosgw.json`) is what `ENTREPOT_RADOSGW` takes, so that one test file after another need not wait for a start.
 */
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { plainAddress, startRadosgw } from '../radosgw.ts';

const path = process.argv[2] ?? '/tmp/entrepot-radosgw.json';
const started = Date.now();
await using radosgw = await startRadosgw();
if (radosgw === null) process.exit(1);
await writeFile(path, JSON.stringify(plainAddress(radosgw)), { mode: 0o600 });
process.stdout.write(`radosgw ready in ${Date.now() - started} ms  ${radosgw.endpoint}  ENTREPOT_RADOSGW=${path}\n`);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
await rm(path, { force: true });
