/** Which bucket the data directory's uploads lie in: their rows are of no use beside another one. */
import { existsSync, readFileSync } from 'node:fs';
import * as z from 'zod';
import { s3Endpoint } from '#clients/s3/client.ts';
import type { WorkTable } from '#core/ports/work-table.ts';
import type { DataDir } from './data-dir.ts';
import { type Env, ossEnv, s3Env } from './env.ts';

/** `entrepot s3` reads it too. No secret is in it: keys that were given by environment are not kept. */
const Place = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('own') }),
  z.object({ kind: z.enum(['s3', 'oss']), endpoint: z.string(), region: z.string(), bucket: z.string() }),
]);
type Place = z.infer<typeof Place>;

const FILE = 'staging.json';
const OWNER = 'local';

/** Throws an Error when transfers are unfinished whose bytes lie in another bucket than the one that is configured. */
export async function checkPlace(env: Env, data: DataDir, table: Pick<WorkTable, 'owned'>): Promise<void> {
  const before = placeBefore(data);
  if (before === null || nameOf(before) === nameOf(placeOf(env))) return;
  // Those that are active come first.
  const [first] = await table.owned(OWNER, { limit: 1 });
  if (first === undefined || first.row.queue === null) return;
  throw new Error(
    `unfinished transfers have their bytes in ${nameOf(before)}: start with it until they have ended, ` +
      `choose another ENTREPOT_DATA, or remove ${data.path(FILE)} and cancel them`,
  );
}

export function notePlace(env: Env, data: DataDir): void {
  data.write(FILE, `${JSON.stringify(placeOf(env))}\n`);
}

function placeOf(env: Env): Place {
  const s3 = s3Env(env);
  if (s3 !== null) return { kind: 's3', endpoint: s3Endpoint(s3), region: s3.region, bucket: s3.bucket };
  const oss = ossEnv(env);
  return oss === null
    ? { kind: 'own' }
    : { kind: 'oss', endpoint: oss.endpoint, region: oss.region, bucket: oss.bucket };
}

/** Null in a new directory, and where somebody removed the file to give up what was unfinished. */
function placeBefore(data: DataDir): Place | null {
  const file = data.path(FILE);
  if (!existsSync(file)) return null;
  try {
    return Place.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    throw new Error(`${file} is damaged: remove it`);
  }
}

function nameOf(place: Place): string {
  return place.kind === 'own' ? 'the built-in bucket' : `bucket ${place.bucket} at ${place.endpoint}`;
}
