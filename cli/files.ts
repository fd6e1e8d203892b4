/** What to send and where it goes, from the words of a command line. */
import { opendir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { FileName, FolderPath } from '#core/wire/upload.ts';
import { Problem, usage } from './problem.ts';

export interface Target {
  readonly destinationId: string;
  /** `/影视/2025`; `/` is the destination's root. */
  readonly folder: string;
}

export interface FileJob {
  /** Absolute. */
  readonly path: string;
  readonly name: string;
  readonly targets: readonly Target[];
}

/** Files of one command; more are sent by another. */
const FILES_MAX = 100_000;

/** `nas/影视/2025` → destination `nas`, folder `/影视/2025`. Throws a usage Problem. */
export function parseTarget(text: string): Target {
  const [destinationId = '', ...rest] = text.split('/');
  if (destinationId === '') throw usage(`--to "${text}": begin with the id of a destination, as in nas/photos`);
  return { destinationId, folder: folderOf(rest.join('/'), text) };
}

/**
 * Files in the order of the arguments, those of a folder by name. A folder keeps its name and inner folders at the destination;
 * it needs `--recursive`. Links are followed only where they are named themselves. Throws a Problem for the first that cannot be sent.
 */
export async function collectFiles(
  args: readonly string[],
  targets: readonly Target[],
  folders: 'recursive' | 'refused',
): Promise<readonly FileJob[]> {
  const jobs: FileJob[] = [];
  for (const arg of args) {
    const path = resolve(arg);
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
      throw new Problem(error.code === 'ENOENT' ? 'file.missing' : 'file.forbidden', `${arg}: ${error.code}`);
    });
    if (!found.isDirectory()) jobs.push(job(path, targets, ''));
    else if (folders === 'refused') throw usage(`${arg} is a folder: add --recursive`);
    else for await (const [file, below] of walk(path, basename(path))) jobs.push(job(file, targets, below));
    if (jobs.length > FILES_MAX) throw usage(`more than ${FILES_MAX} files: send them folder by folder`);
  }
  return jobs;
}

async function* walk(folder: string, below: string): AsyncGenerator<readonly [path: string, below: string]> {
  const entries = [];
  for await (const entry of await opendir(folder)) entries.push(entry);
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isFile()) yield [path, below];
    else if (entry.isDirectory()) yield* walk(path, `${below}/${entry.name}`);
  }
}

function job(path: string, targets: readonly Target[], below: string): FileJob {
  const name = basename(path);
  const parsed = FileName.safeParse(name);
  if (!parsed.success)
    throw new Problem('file.bad_name', `${path}: ${parsed.error.issues[0]?.message ?? 'not a name'}`);
  const placed = targets.map(({ destinationId, folder }) => ({
    destinationId,
    folder: folderOf(`${folder}/${below}`, path),
  }));
  return { path, name, targets: placed };
}

function folderOf(text: string, of: string): string {
  const folder = FolderPath.safeParse(text);
  if (folder.success) return folder.data;
  throw usage(`${of}: ${folder.error.issues[0]?.message ?? 'not a folder'}`);
}
