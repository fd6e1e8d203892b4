/** Code of ours in a real workerd, without a network: a Worker as wrangler runs it, with buckets, queues and durable objects. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

/** As in wrangler.jsonc, with paths from the repository's root. `name`, the date and `nodejs_compat` are given already. */
export interface WorkerConfig {
  readonly main: string;
  readonly [setting: string]: unknown;
}

export interface RunningWorker {
  /** `http://127.0.0.1:…`; buckets with `local_dev` credentials answer S3 at `/cdn-cgi/local/r2/s3` under it. */
  readonly url: string;
  /** What it has said so far: each line that the Worker logged as `level: message`, what it threw as wrangler shows it. */
  readonly logs: () => readonly string[];
  /** Runs the `scheduled` handler once, and waits for it. */
  scheduled(cron?: string): Promise<void>;
  /** `SIGKILL` takes workerd with it as a crash does. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

export interface WorkerHome {
  start(): Promise<RunningWorker>;
  cleanup(): Promise<void>;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** It takes 2 s on an idle machine. */
const START_MS = 90_000;
const LOGS_MAX = 10_000;

const Said = z.union([z.object({ url: z.string() }), z.object({ log: z.string() })]);

/** One Worker whose state stays over restarts, and its port where one is given. */
export async function workerHome(config: WorkerConfig, port = 0): Promise<WorkerHome> {
  const folder = await mkdtemp(join(tmpdir(), 'entrepot-workerd-'));
  const path = join(folder, 'wrangler.json');
  await writeFile(path, JSON.stringify(withPaths(config)));
  const running = new Set<RunningWorker>();
  return {
    start: async () => {
      const worker = await startWorker(folder, path, port);
      running.add(worker);
      return worker;
    },
    cleanup: async () => {
      for (const worker of running) await worker.stop('SIGKILL');
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** One Worker, whose state goes when it stops. */
export async function startWorkerd(config: WorkerConfig): Promise<RunningWorker> {
  const home = await workerHome(config);
  try {
    const worker = await home.start();
    return { ...worker, stop: home.cleanup };
  } catch (error) {
    await home.cleanup();
    throw error;
  }
}

function withPaths({ main, ...config }: WorkerConfig): object {
  const { assets } = z.object({ assets: z.looseObject({ directory: z.string() }).optional() }).parse(config);
  return {
    name: 'entrepot-test',
    compatibility_date: '2026-11-01',
    compatibility_flags: ['nodejs_compat'],
    ...config,
    main: resolve(ROOT, main),
    ...(assets === undefined ? {} : { assets: { ...assets, directory: resolve(ROOT, assets.directory) } }),
  };
}

async function startWorker(folder: string, path: string, port: number): Promise<RunningWorker> {
  const server = join(ROOT, 'test/support/workerd-server.ts');
  const child = spawn(process.execPath, [server, path, join(folder, 'state'), String(port)], {
    cwd: folder,
    // A group of its own, so that a kill reaches workerd too.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: environment(folder),
  });
  const logs: string[] = [];
  const log = (line: string) => {
    if (logs.push(line) > LOGS_MAX) logs.shift();
  };
  for (const output of [child.stdout, child.stderr])
    if (output !== null) createInterface({ input: output }).on('line', log);
  const tooLate = setTimeout(() => killGroup(child), START_MS);
  const url = await new Promise<string>((found, failed) => {
    child.on('message', (message) => {
      const said = Said.parse(message);
      if ('url' in said) found(said.url);
      else log(said.log);
    });
    child.once('close', (code) => {
      const how = code === null ? `was killed, at the latest after ${START_MS} ms` : `ended with ${code}`;
      failed(new Error(`workerd ${how}:\n${logs.join('\n')}`));
    });
  }).finally(() => clearTimeout(tooLate));
  return {
    url,
    logs: () => logs,
    scheduled: async (cron = '* * * * *') => {
      const answer = await fetch(`${url}/cdn-cgi/handler/scheduled?cron=${encodeURIComponent(cron)}`);
      const text = await answer.text();
      if (!answer.ok) throw new Error(`the scheduled handler answered ${answer.status}: ${text}`);
    },
    stop: async (signal = 'SIGTERM') => {
      // What it has started may live on without it.
      if (child.exitCode !== null || child.signalCode !== null) return killGroup(child);
      const closed = once(child, 'close');
      if (signal === 'SIGKILL') killGroup(child);
      else child.disconnect();
      await closed;
    },
  };
}

/** Nothing of this machine's user is read, asked of the network, or left behind. */
function environment(folder: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_SEND_ERROR_REPORTS: 'false',
    WRANGLER_HIDE_BANNER: 'true',
    WRANGLER_LOG_PATH: join(folder, 'wrangler.log'),
    WRANGLER_REGISTRY_PATH: join(folder, 'registry'),
    XDG_CONFIG_HOME: folder,
    CLOUDFLARE_CF_FETCH_ENABLED: 'false',
    // Each call would be written down, which takes longer than the call.
    X_LOCAL_OBSERVABILITY: 'false',
    X_LOCAL_EXPLORER: 'false',
    TMPDIR: folder,
  };
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // Nobody of it is left.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
