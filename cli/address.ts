/** Where the server is and how to be let in: told by the environment, else found in the server's data directory. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
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
  region: z.string(),
  endpoint: z.string(),
  bucket: z.string(),
});

/**
 * A token found on disk is sent only to the address found beside it: `ENTREPOT_URL` needs an `ENTREPOT_TOKEN`, or the `#token=…`
 * that the server printed. Throws a Problem with exit code 2 when there is none.
 */
export async function findServer(env: Env, cwd: string): Promise<Address> {
  const given = env['ENTREPOT_URL'];
  if (given) return givenServer(given, env['ENTREPOT_TOKEN']);
  const url = await readData(env, cwd, 'url');
  const token = env['ENTREPOT_TOKEN'] || (await readData(env, cwd, 'token'));
  if (url === null || token === null) {
    throw new Problem(
      'server.not_found',
      `no Entrepot has been started on ${dataDir(env, cwd)}: run "npm start" there, or set ENTREPOT_URL and ENTREPOT_TOKEN`,
      { exitCode: 2 },
    );
  }
  return { url: url.replace(/\/+$/, ''), token };
}

/** Keys of the bucket, as the server on this machine wrote them down. */
export async function findS3Keys(env: Env, cwd: string): Promise<S3Keys> {
  const text = await readData(env, cwd, 's3.json');
  if (text === null) {
    const message = `no bucket has been started on ${dataDir(env, cwd)}: run "npm start" there, or set ENTREPOT_DATA`;
    throw new Problem('server.not_found', message, { exitCode: 2 });
  }
  const keys = S3Keys.safeParse(parsed(text));
  if (keys.success) return keys.data;
  throw new Problem('s3.unreadable', 'the file s3.json is not what a server writes: start the server again', {
    exitCode: 2,
  });
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
