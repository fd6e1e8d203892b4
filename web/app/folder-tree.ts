/** The folders of a destination as far as they have been looked at. Plain data: who reads them is `use-folder-tree.ts`. */
import type { BrowseAnswer } from '#core/wire/browse.ts';

export interface Branch {
  readonly folders: BrowseAnswer['items'];
  /** Cursor of the page that has not been read yet; null after the last. */
  readonly next: string | null;
}

export interface FolderTree {
  /** What is in a folder, by its path; absent until it has been read. */
  readonly branches: ReadonlyMap<string, Branch>;
  readonly open: ReadonlySet<string>;
}

/** A line of the tree as it is drawn: a folder, or the way to more of them. */
export type TreeLine =
  | {
      readonly kind: 'folder';
      readonly path: string;
      readonly name: string;
      readonly level: number;
      readonly isReadOnly: boolean;
      /** `leaf`: it was read, and nothing is in it. */
      readonly state: 'closed' | 'open' | 'leaf';
    }
  | { readonly kind: 'more'; readonly path: string; readonly parent: string; readonly level: number };

export const ROOT = '/';
export const EMPTY_TREE: FolderTree = { branches: new Map(), open: new Set([ROOT]) };

export function join(parent: string, name: string): string {
  return parent === ROOT ? `/${name}` : `${parent}/${name}`;
}

/** Null above the top. */
export function parentOf(path: string): string | null {
  return path === ROOT ? null : path.slice(0, path.lastIndexOf('/')) || ROOT;
}

/** `/a/b` → `/`, `/a`, `/a/b`. */
export function lineage(path: string): readonly string[] {
  const parent = parentOf(path);
  return parent === null ? [ROOT] : [...lineage(parent), path];
}

/** Top to bottom, the folders that are open with what is in them. */
export function linesOf(tree: FolderTree, rootName: string): readonly TreeLine[] {
  const lines: TreeLine[] = [];
  const add = (path: string, name: string, level: number, isReadOnly: boolean): void => {
    const branch = tree.branches.get(path);
    const isLeaf = branch !== undefined && branch.folders.length === 0 && branch.next === null;
    const isOpen = tree.open.has(path);
    lines.push({
      kind: 'folder',
      path,
      name,
      level,
      isReadOnly,
      state: isLeaf && path !== ROOT ? 'leaf' : isOpen ? 'open' : 'closed',
    });
    if (!isOpen || branch === undefined) return;
    for (const folder of branch.folders) add(join(path, folder.name), folder.name, level + 1, folder.isReadOnly);
    if (branch.next !== null) lines.push({ kind: 'more', path: `${path}//more`, parent: path, level: level + 1 });
  };
  add(ROOT, rootName, 1, false);
  return lines;
}

/** A page more of a folder. What was there already is not shown twice. */
export function grown(
  tree: FolderTree,
  path: string,
  { items, next }: Pick<BrowseAnswer, 'items' | 'next'>,
): FolderTree {
  const before = tree.branches.get(path)?.folders ?? [];
  const known = new Set(before.map(({ name }) => name));
  const folders = [...before, ...items.filter(({ name }) => !known.has(name))];
  return { ...tree, branches: new Map(tree.branches).set(path, { folders, next }) };
}

export function opened(tree: FolderTree, path: string): FolderTree {
  return { ...tree, open: new Set(tree.open).add(path) };
}

export function closed(tree: FolderTree, path: string): FolderTree {
  return { ...tree, open: new Set([...tree.open].filter((one) => one !== path)) };
}

/** Where a key leads from the line at `index`; null for keys that move nowhere. */
export function lineAfter(key: string, lines: readonly TreeLine[], index: number): number | null {
  if (key === 'ArrowDown') return Math.min(lines.length - 1, index + 1);
  if (key === 'ArrowUp') return Math.max(0, index - 1);
  if (key === 'Home') return 0;
  if (key === 'End') return lines.length - 1;
  if (key.length !== 1 || key === ' ') return null;
  // A letter leads to the next folder that begins with it.
  const order = [...lines.keys()].map((step) => (index + 1 + step) % lines.length);
  return order.find((at) => beginsWith(lines[at], key)) ?? null;
}

function beginsWith(line: TreeLine | undefined, letter: string): boolean {
  return line?.kind === 'folder' && line.name.toLowerCase().startsWith(letter.toLowerCase());
}
