/** The installed wrangler, as a process: it asks no questions, and what it says is read here. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { ROOT } from './config.ts';

export interface Said {
  readonly isOk: boolean;
  /** Both of its outputs, without colours. */
  readonly text: string;
  /** Its answer alone. */
  readonly answer: string;
}

export type Wrangler = (args: readonly string[]) => Promise<Said>;

/** These end wrangler first, and by an error whoever called it, who takes away then what was laid down for it: there are secrets in it. */
const STOPS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** `command`: the program and its first arguments. `env` is added to this process's own. */
export function runWrangler(command: readonly string[], env: Readonly<Record<string, string>>): Wrangler {
  const [program = '', ...first] = command;
  return async (args) => {
    const child = spawn(program, [...first, ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true', NO_COLOR: '1', ...env },
    });
    let stoppedBy: NodeJS.Signals | null = null;
    const stop = (signal: NodeJS.Signals): void => {
      stoppedBy = signal;
      child.kill(signal);
    };
    for (const signal of STOPS) process.on(signal, stop);
    const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
    const [answer, complaint, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]).finally(() => {
      for (const signal of STOPS) process.off(signal, stop);
    });
    if (stoppedBy !== null) throw new Error(`stopped by ${stoppedBy}`);
    return { isOk: code === 0, text: stripVTControlCharacters(`${answer}\n${complaint}`), answer };
  };
}

/** Throws with wrangler's own words when it fails. Nothing that is secret is ever among its arguments. */
export async function insist(wrangler: Wrangler, args: readonly string[]): Promise<Said> {
  const said = await wrangler(args);
  if (!said.isOk) throw new Error(`wrangler ${args.join(' ')}\n${said.text.trim()}`);
  return said;
}
