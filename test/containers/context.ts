/** The files that a build is given: those of the repository that .dockerignore leaves. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface Context {
  readonly root: string;
  /** Whether a path, relative to the root, is given to the build. */
  has(path: string): boolean;
  /** Files of a path: itself, or all that is under it. Empty when there is nothing. */
  files(path: string): readonly string[];
}

interface Rule {
  readonly pattern: RegExp;
  readonly isBack: boolean;
}

export function readContext(root: string): Context {
  const rules = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n').flatMap(ruleOf);

  /** The last rule that matches the path, or a folder that it is in, decides. */
  function has(path: string): boolean {
    const folders = path.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'));
    let isGiven = true;
    for (const { pattern, isBack } of rules) if (folders.some((folder) => pattern.test(folder))) isGiven = isBack;
    return isGiven;
  }

  function files(path: string): readonly string[] {
    const found = statSync(join(root, path), { throwIfNoEntry: false });
    if (found === undefined) return [];
    if (!found.isDirectory()) return has(path) ? [path] : [];
    // A folder that a rule takes out may have files that a later one brings back, but ours are not that clever.
    if (!has(path)) return [];
    return readdirSync(join(root, path)).flatMap((name) => files(`${path}/${name}`));
  }

  return { root, has, files };
}

function ruleOf(line: string): readonly Rule[] {
  const text = line.trim();
  if (text === '' || text.startsWith('#')) return [];
  const isBack = text.startsWith('!');
  return [{ pattern: patternOf(isBack ? text.slice(1) : text), isBack }];
}

function patternOf(glob: string): RegExp {
  const source = glob
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('**/', '\u0000')
    .replaceAll('*', '[^/]*')
    .replaceAll('\u0000', '(?:.*/)?');
  return new RegExp(`^${source}$`);
}
