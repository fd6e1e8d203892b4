/** The real server as a child process: started, killed, started again on the same directory. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePorts } from './free-ports.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface RunningServer {
  readonly dataDir: string;
  readonly url: string;
  readonly token: string;
  readonly process: ChildProcess;
  /** What it wrote to stderr so far. */
  readonly errors: () => string;
  api(method: string, path: string, body?: unknown): Promise<{ status: number; body: any }>;
  /** Sends the signal and waits for the end; answers the exit code, null for a kill. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface ServerHome {
  readonly dataDir: string;
  start(env?: Readonly<Record<string, string>>): Promise<RunningServer>;
  cleanup(): Promise<void>;
}

/** A directory and two free ports that stay the same over restarts, as for a person who runs `npm start` again. */
export async function serverHome(env: Readonly<Record<string, string>> = {}): Promise<ServerHome> {
  const dataDir = await mkdtemp(join(tmpdir(), 'entrepot-'));
  const [port, bucketPort] = await freePorts(2);
  const running = new Set<RunningServer>();
  return {
    dataDir,
    start: async (more = {}) => {
      const server = await startServer(dataDir, {
        PORT: String(port),
        BUCKET_PORT: String(bucketPort),
        ENTREPOT_DATA: dataDir,
        ...env,
        ...more,
      });
      running.add(server);
      return server;
    },
    cleanup: async () => {
      for (const server of running) await server.stop('SIGKILL');
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function startServer(dataDir: string, env: Readonly<Record<string, string>>): Promise<RunningServer> {
  const child = spawn(
    process.execPath,
    ['--max-semi-space-size=1', '--import', './local/need-node.mjs', 'local/main.ts'],
    {
      cwd: ROOT,
      env: { ...process.env, MALLOC_ARENA_MAX: '2', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let errors = '';
  child.stderr?.on('data', (text: Buffer) => {
    errors = (errors + text.toString()).slice(-100_000);
  });
  const ready = await readyLine(child, () => errors);
  const url = /http:\/\/[^/]+/.exec(ready)?.[0] ?? '';
  const token = /#token=(\S+)/.exec(ready)?.[1] ?? '';
  return {
    dataDir,
    url,
    token,
    process: child,
    errors: () => errors,
    api: async (method, path, body) => {
      const answer = await fetch(url + path, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: answer.status, body: await answer.json() };
    },
    stop: async (signal = 'SIGTERM') => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
      return child.exitCode;
    },
  };
}

async function readyLine(child: ChildProcess, errors: () => string): Promise<string> {
  if (child.stdout === null) throw new Error('the child has no stdout');
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      if (line.startsWith('Entrepot ready')) resolve(line);
    });
    // Not at its exit: what it wrote last may still be on its way then.
    child.once('close', (code) => reject(new Error(`the server ended with ${code}: ${errors()}`)));
  });
}
