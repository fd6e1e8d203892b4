/** Daemons of a cluster: known by the pid files in its folder, so that any process may stop them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A killed process is gone within milliseconds; a busy machine may need longer to say so. */
const GONE_TIMEOUT_MS = 30_000;

/**
 * In a process group of its own: a Ctrl-C in the terminal is for the test run, which then ends it in order. One of the
 * arguments has to name a file of the folder, by its full path.
 */
export async function spawnDaemon(dir: string, name: string, command: string, args: readonly string[]): Promise<void> {
  const log = openSync(join(dir, 'log', `${name}.out`), 'a');
  try {
    const child = spawn(command, args, { cwd: dir, detached: true, stdio: ['ignore', log, log] });
    await once(child, 'spawn');
    child.unref();
    await writeFile(pidFile(dir, name), String(child.pid));
  } finally {
    closeSync(log);
  }
}

/** `kill -9`; fine when it does not run. Resolves once the process is gone. */
export async function stopDaemon(dir: string, name: string): Promise<void> {
  const pid = Number(await readFile(pidFile(dir, name), 'utf8').catch(() => '0'));
  if (pid === 0) return;
  const untilMs = Date.now() + GONE_TIMEOUT_MS;
  while (await isRunning(dir, pid)) {
    if (Date.now() > untilMs) throw new Error(`${name} does not die`);
    process.kill(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await rm(pidFile(dir, name), { force: true });
}

function pidFile(dir: string, name: string): string {
  return join(dir, `${name}.pid`);
}

/** A pid may have become another process's: ours names a file of the folder. A dead one that nobody has reaped names nothing. */
async function isRunning(dir: string, pid: number): Promise<boolean> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes(`${dir}/`);
}
