/** The agent as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { KEY } from './rig.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface AgentProcess {
  readonly process: ChildProcess;
  /** What it wrote so far, to either side. */
  output(): string;
  /** Resolves once what it wrote matches; rejects when it ends before. */
  hasWritten(pattern: RegExp): Promise<void>;
  /** Resolves to the exit code, null for a kill. */
  readonly ended: Promise<number | null>;
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface AgentStart {
  /** The home's. */
  readonly url: string;
  readonly id?: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Resolves when it has started, and not when it is attached. */
  readonly cwd?: string;
}

export function startAgent({ url, id = 'sz-1', flags = [], env = {}, cwd = ROOT }: AgentStart): AgentProcess {
  const main = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));
  const args = ['--max-semi-space-size=1', main, '--server-url', url, '--agent-id', id, ...flags];
  const child = spawn(process.execPath, args, {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', AGENT_TOKEN: KEY, MALLOC_ARENA_MAX: '2', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const news = new EventTarget();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text: Buffer) => {
      output = (output + text.toString()).slice(-100_000);
      news.dispatchEvent(new Event('more'));
    });
  }
  let hasEnded = false;
  const ended = once(child, 'close').then(([code]) => {
    hasEnded = true;
    news.dispatchEvent(new Event('more'));
    return code as number | null;
  });
  return {
    process: child,
    output: () => output,
    hasWritten: async (pattern) => {
      while (!pattern.test(output)) {
        if (hasEnded) throw new Error(`the agent has ended: ${output}`);
        await new Promise((resolve) => news.addEventListener('more', resolve, { once: true }));
      }
    },
    ended,
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return ended;
    },
  };
}
