/** The relay as a child process, beside a DynamoDB and a bucket of this one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface RunningRelay {
  readonly url: string;
  readonly process: ChildProcess;
  /** What it wrote so far, to either side. */
  readonly output: () => string;
  /** Resolves once what it wrote matches. */
  hasWritten(pattern: RegExp): Promise<void>;
  /** Sends the signal and waits for the end; answers the exit code, null for a kill. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Rejects with what it wrote when it ends before it has started. */
export async function startRelay(env: Readonly<Record<string, string>>): Promise<RunningRelay> {
  const child = spawn(process.execPath, ['relay/main.ts'], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'] ?? '', HOST: '127.0.0.1', PORT: '0', ENTREPOT_LOG: 'info', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const writing = new EventTarget();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text: Buffer) => {
      output = (output + text.toString()).slice(-100_000);
      writing.dispatchEvent(new Event('more'));
    });
  }
  const port = await portOf(child, () => output);
  return {
    url: `http://127.0.0.1:${port}`,
    process: child,
    output: () => output,
    hasWritten: async (pattern) => {
      while (!pattern.test(output)) {
        await new Promise((resolve) => writing.addEventListener('more', resolve, { once: true }));
      }
    },
    stop: async (signal = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) {
        const closed = once(child, 'close');
        child.kill(signal);
        await closed;
      }
      return child.exitCode;
    },
  };
}

function portOf(child: ChildProcess, output: () => string): Promise<number> {
  if (child.stdout === null) throw new Error('the child has no stdout');
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      if (line.includes('"event":"relay.started"')) resolve(Number(JSON.parse(line).port));
    });
    child.once('close', (code) => reject(new Error(`the relay ended with ${code}: ${output()}`)));
  });
}
