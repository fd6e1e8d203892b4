/** Folders that go away, and disks that are not still busy with what came before. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs the work with an empty folder under TMPDIR and removes it. */
export async function inScratch<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'entrepot-bench-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Runs a command to its end; throws when it fails. */
export async function command(name: string, ...args: readonly string[]): Promise<void> {
  const child = spawn(name, args, { stdio: 'ignore' });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${name} ended with ${code}`);
}

/** Writes out what earlier runs left in memory, so that nobody pays for another's bytes. */
export const settleDisk = (): Promise<void> => command('sync');
