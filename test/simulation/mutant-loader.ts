/** Loads a copy of the engine with one thing broken. Everything else is the real code, shared with the test itself. */
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Subject } from './subject.ts';

/** One change of one file of `core/transfer`: `find` must be there exactly once. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface LoadedMutant {
  readonly subject: Subject;
  /** Removes the copy. */
  drop(): void;
}

const ROOT = resolve(import.meta.dirname, '../..');

/** Throws when an edit does not fit any more: then the mutant has to be written anew. */
export async function loadMutant(edits: readonly Edit[]): Promise<LoadedMutant> {
  const home = mkdtempSync(join(tmpdir(), 'entrepot-mutant-'));
  try {
    const core = join(home, 'core');
    cpSync(join(ROOT, 'core/transfer'), join(core, 'transfer'), { recursive: true });
    for (const name of readdirSync(join(ROOT, 'core'))) {
      if (name !== 'transfer') symlinkSync(join(ROOT, 'core', name), join(core, name));
    }
    symlinkSync(join(ROOT, 'node_modules'), join(home, 'node_modules'));
    // The same imports lead into the copy.
    copyFileSync(join(ROOT, 'package.json'), join(home, 'package.json'));
    for (const { file, find, replace } of edits) {
      const path = join(core, 'transfer', file);
      const text = readFileSync(path, 'utf8');
      const found = text.split(find).length - 1;
      if (found !== 1) throw new Error(`${file} has ${found} places that read: ${find}`);
      writeFileSync(
        path,
        text.replace(find, () => replace),
      );
    }
    const load = (file: string) => import(/* @vite-ignore */ pathToFileURL(join(core, 'transfer', file)).href);
    const [{ advance }, { sweep }, wishes] = await Promise.all([
      load('advance.ts') as Promise<Pick<Subject, 'advance'>>,
      load('sweep.ts') as Promise<Pick<Subject, 'sweep'>>,
      load('wishes.ts') as Promise<Omit<Subject, 'advance' | 'sweep'>>,
    ]);
    const { cancel, pause, resume, retry } = wishes;
    return { subject: { advance, sweep, cancel, pause, resume, retry }, drop: () => rmSync(home, { recursive: true }) };
  } catch (error) {
    rmSync(home, { recursive: true });
    throw error;
  }
}
