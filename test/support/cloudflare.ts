/** The Cloudflare home on this machine: its Worker as `wrangler.jsonc` describes it, in workerd, with R2 and queues of miniflare. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ROOT, wranglerConfig } from '../../infra/cloudflare/config.ts';
import { freePorts } from './free-ports.ts';
import { type RunningWorker, type WorkerHome, workerHome } from './workerd.ts';

export interface CloudflareHome extends Omit<WorkerHome, 'start'> {
  start(): Promise<CloudflareServer>;
}

export interface CloudflareServer extends RunningWorker {
  readonly token: string;
  api(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: any }>;
  /** What R2 would say of an object that was put. */
  tell(key: string, sizeBytes: number): Promise<void>;
  /** The most bodies that one call of it was sending at a time, since it was started. */
  mostSending(): Promise<number>;
  /** What it tells Prometheus. */
  metrics(): Promise<string>;
  /** A row of the table as it is. */
  row(key: { readonly pk: string; readonly sk: string }): Promise<any>;
}

const TOKEN = 'a-token-of-the-tests';
const BUCKET = 'entrepot-staging';

/** The committed configuration, with other variables. */
export async function cloudflareHome(variables: Readonly<Record<string, string>> = {}): Promise<CloudflareHome> {
  const [port = 0] = await freePorts(1);
  const { queues, vars, alias, assets: _, ...rest } = wranglerConfig();
  const home = await workerHome(
    {
      ...rest,
      alias: Object.fromEntries(Object.entries(alias).map(([name, path]) => [name, join(ROOT, path)])),
      main: 'test/workerd/cloudflare-home.ts',
      queues: { ...queues, producers: [...queues.producers, { binding: 'STAGED', queue: 'entrepot-staged' }] },
      vars: {
        ...vars,
        ENTREPOT_R2_ENDPOINT: `http://127.0.0.1:${port}/cdn-cgi/local/r2/s3`,
        ENTREPOT_R2_ACCESS_KEY_ID: 'local',
        ENTREPOT_R2_SECRET_ACCESS_KEY: 'localsecret',
        ENTREPOT_TOKEN: TOKEN,
        ENTREPOT_SEAL_KEY: randomBytes(32).toString('base64'),
        ENTREPOT_TICKET_KEY: randomBytes(32).toString('base64'),
        ENTREPOT_CAPABILITY_KEY: randomBytes(32).toString('base64'),
        ...variables,
      },
    },
    port,
  );
  return { ...home, start: async () => serverOf(await home.start()) };
}

function serverOf(worker: RunningWorker): CloudflareServer {
  const ask = (method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(worker.url + path, {
      method,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    ...worker,
    token: TOKEN,
    api: async (method, path, body) => {
      const answer = await ask(method, path, body);
      return { status: answer.status, body: await answer.json() };
    },
    tell: async (key, sizeBytes) => {
      const object = { key, size: sizeBytes, eTag: 'not looked at' };
      const about = { account: 'a', bucket: BUCKET, eventTime: new Date().toISOString() };
      const answer = await ask('POST', '/api/test/events', { ...about, action: 'PutObject', object });
      if (!answer.ok) throw new Error(`the queue of events did not take one: ${answer.status}`);
    },
    mostSending: async () => Number(await (await ask('GET', '/api/test/sending')).text()),
    metrics: async () => (await ask('GET', '/metrics')).text(),
    row: async ({ pk, sk }) => (await ask('GET', `/api/test/row?${new URLSearchParams({ pk, sk })}`)).json(),
  };
}
