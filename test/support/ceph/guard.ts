/** What ends a cluster when the process that started it is gone, however it went. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('guard.sh', import.meta.url));

/** Its input is a pipe from us: when that closes, by `release` or by our death, it kills the daemons and removes the folder. */
export async function keepGuard(dir: string): Promise<{ release(): Promise<void> }> {
  const guard = spawn('/bin/sh', [SCRIPT, dir], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  await once(guard, 'spawn');
  const ended = once(guard, 'exit');
  return {
    async release() {
      guard.stdin.end();
      await ended;
    },
  };
}

/** Ends clusters in folders whose guard was killed too. One with a living guard belongs to somebody. */
export async function sweepLeftovers(parent: string, prefix: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue;
    const sweeper = spawn('/bin/sh', [SCRIPT, join(parent, name), 'leftover'], { stdio: 'ignore' });
    await once(sweeper, 'exit');
  }
}
