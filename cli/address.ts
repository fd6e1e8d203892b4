/** Where the server is and how to be let in: told by the environment, else found in the server's data directory. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { Problem } from './problem.ts';

export interface Address {
  /** Without a trailing slash. */
  readonly url: string;
  readonly token: string;
}

export type Env = Readonly<Record<string, string | undefined>>;

/** Names and values as S3 clients read them from their environment. */
export type S3Keys = z.infer<typeof S3Keys>;
export const S3Keys = z.object({
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
  sessionToken: z.string().optional(),
  region: z.string(),
  endpoint: z.string(),
  bucket: z.string(),
});

/** Where the server stages, as it wrote it down; `own`: in the bucket that it brings along. */
const Place = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('own') }),
  z.object({ kind: z.enum(['s3', 'oss']), endpoint: z.string(), region: z.string(), bucket: z.string() }),
]);

/**
 * A token found on disk is sent only to the address found beside it: `ENTREPOT_URL` needs an `ENTREPOT_TOKEN`, or the `#token=…`
 * that the server printed. Throws a Problem with exit code 2 when there is none.
 */
export async function findServer(env: Env, cwd: string): Promise<Address> {
  const given = env['ENTREPOT_URL'];
  if (given) return givenServer(given, env['ENTREPOT_TOKEN']);
  const url = await readData(env, cwd, 'url');
  const token = env['ENTREPOT_TOKEN'] || (await readData(env, cwd, 'token'));
  if (url !== null && token === null) {
    const message = 'the server was started with ENTREPOT_TOKEN, which is on no disk: set it here too';
    throw new Problem('auth.required', message, { exitCode: 2 });
  }
  if (url === null || token === null) {
    throw new Problem(
      'server.not_found',
      `no Entrepot has been started on ${dataDir(env, cwd)}: run "npm start" there, or set ENTREPOT_URL and ENTREPOT_TOKEN`,
      { exitCode: 2 },
    );
  }
  return { url: url.replace(/\/+$/, ''), token };
}

/**
 * Keys of the bucket, as the server on this machine wrote them down. Those of a store of the user's own were given to the server by
 * environment and are on no disk: they are taken from this environment too.
 */
export async function findS3Keys(env: Env, cwd: string): Promise<S3Keys> {
  const place = await findPlace(env, cwd);
  if (place?.kind === 'oss') {
    const message = `files are staged in the OSS bucket ${place.bucket}: S3 clients need a store that speaks S3`;
    throw new Problem('s3.not_s3', message, { exitCode: 2 });
  }
  if (place?.kind === 's3') return givenKeys(env, place);
  const text = await readData(env, cwd, 's3.json');
  if (text === null) throw notStarted(env, cwd);
  return fitting(S3Keys, text, 's3.json');
}

/** Where the bucket is, without its keys. */
export async function findBucket(env: Env, cwd: string): Promise<Pick<S3Keys, 'endpoint' | 'region' | 'bucket'>> {
  const place = await findPlace(env, cwd);
  return place?.kind === 's3' ? place : findS3Keys(env, cwd);
}

/** Where a store may push its events. Throws a Problem with exit code 2 when the server needs none. */
export async function findEventsUrl(env: Env, cwd: string): Promise<string> {
  const place = await findPlace(env, cwd);
  const [url, token] = await Promise.all([readData(env, cwd, 'url'), readData(env, cwd, 'events-token')]);
  if (place === null || url === null) throw notStarted(env, cwd);
  if (place.kind === 'own' || token === null) {
    throw new Problem('s3.no_events', 'the built-in bucket tells its events by itself: nothing is to be configured', {
      exitCode: 2,
    });
  }
  return `${url.replace(/\/+$/, '')}/api/v1/events/${place.kind}/${token}`;
}

async function findPlace(env: Env, cwd: string): Promise<z.infer<typeof Place> | null> {
  const text = await readData(env, cwd, 'staging.json');
  return text === null ? null : fitting(Place, text, 'staging.json');
}

function givenKeys(env: Env, { endpoint, region, bucket }: Omit<S3Keys, 'accessKeyId' | 'secretAccessKey'>): S3Keys {
  const accessKeyId = env['ENTREPOT_S3_ACCESS_KEY_ID'];
  const secretAccessKey = env['ENTREPOT_S3_SECRET_ACCESS_KEY'];
  const sessionToken = env['ENTREPOT_S3_SESSION_TOKEN'];
  if (!accessKeyId || !secretAccessKey) {
    const message =
      `files are staged in your own bucket ${bucket} at ${endpoint}, whose keys are kept nowhere: ` +
      'set ENTREPOT_S3_ACCESS_KEY_ID and ENTREPOT_S3_SECRET_ACCESS_KEY here too';
    throw new Problem('s3.keys_elsewhere', message, { exitCode: 2 });
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}), region, endpoint, bucket };
}

function fitting<T>(schema: z.ZodType<T>, text: string, name: string): T {
  const found = schema.safeParse(parsed(text));
  if (found.success) return found.data;
  const message = `the file ${name} is not what a server writes: start the server again`;
  throw new Problem('s3.unreadable', message, { exitCode: 2 });
}

function notStarted(env: Env, cwd: string): Problem {
  const message = `no bucket has been started on ${dataDir(env, cwd)}: run "npm start" there, or set ENTREPOT_DATA`;
  return new Problem('server.not_found', message, { exitCode: 2 });
}

function givenServer(given: string, envToken: string | undefined): Address {
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Problem('usage', 'ENTREPOT_URL is not an http:// or https:// address', { exitCode: 2 });
  }
  const token = envToken || new URLSearchParams(url.hash.slice(1)).get('token');
  if (!token) throw new Problem('auth.required', 'ENTREPOT_URL is set: set ENTREPOT_TOKEN too', { exitCode: 2 });
  return { url: `${url.origin}${url.pathname}`.replace(/\/+$/, ''), token };
}

function dataDir(env: Env, cwd: string): string {
  return resolve(cwd, env['ENTREPOT_DATA'] || '.entrepot');
}

async function readData(env: Env, cwd: string, name: string): Promise<string | null> {
  try {
    return (await readFile(join(dataDir(env, cwd), name), 'utf8')).trim() || null;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
    throw error;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
