/** Reads the folders of a destination as they are opened. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { toUploadError, type UploadError } from '../upload/error.ts';
import { useConsole } from './console.ts';
import { closed, EMPTY_TREE, type FolderTree, grown, join, lineage, opened } from './folder-tree.ts';

export interface FolderReader {
  readonly tree: FolderTree;
  /** Folders that are being read. */
  readonly busy: ReadonlySet<string>;
  readonly failure: { readonly path: string; readonly error: UploadError } | null;
  open(path: string): void;
  close(path: string): void;
  /** The next page. */
  more(path: string): void;
  /** Makes a folder, and shows it. Resolves to its path; rejects with an `UploadError`. */
  make(parent: string, name: string): Promise<string>;
}

/** `first` is opened at once, with all that lead to it as far as they exist. */
export function useFolderTree(destinationId: string, first: string): FolderReader {
  const { api } = useConsole();
  const [tree, setTree] = useState<FolderTree>(EMPTY_TREE);
  const [busy, setBusy] = useState<ReadonlySet<string>>(new Set());
  const [failure, setFailure] = useState<FolderReader['failure']>(null);
  const known = useRef(tree);
  known.current = tree;
  const life = useRef<AbortSignal>(AbortSignal.abort());

  const read = useCallback(
    async (path: string, cursor: string | null): Promise<boolean> => {
      const signal = life.current;
      setBusy((before) => new Set(before).add(path));
      setFailure(null);
      try {
        const page = await api.browse(destinationId, path, cursor, signal);
        if (signal.aborted) return false;
        setTree((before) => grown(before, path, page));
        return true;
      } catch (cause) {
        if (!signal.aborted) setFailure({ path, error: toUploadError(cause) });
        return false;
      } finally {
        if (!signal.aborted) setBusy((before) => new Set([...before].filter((one) => one !== path)));
      }
    },
    [api, destinationId],
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: where it begins is of interest at the beginning only
  useEffect(() => {
    const stop = new AbortController();
    life.current = stop.signal;
    setTree(EMPTY_TREE);
    setBusy(new Set());
    const walk = async (): Promise<void> => {
      for (const path of lineage(first)) {
        if (!(await read(path, null)) || stop.signal.aborted) break;
        setTree((before) => opened(before, path));
      }
      // A folder that was typed and is not there yet is made with the first file.
      setFailure((before) => (before?.error.code === 'destination.folder_unknown' ? null : before));
    };
    void walk();
    return () => stop.abort();
  }, [read]);

  const open = useCallback(
    (path: string): void => {
      setTree((before) => opened(before, path));
      if (!known.current.branches.has(path)) void read(path, null);
    },
    [read],
  );
  const more = useCallback(
    (path: string): void => void read(path, known.current.branches.get(path)?.next ?? null),
    [read],
  );
  const close = useCallback((path: string) => setTree((before) => closed(before, path)), []);
  const make = useCallback(
    async (parent: string, name: string): Promise<string> => {
      const path = join(parent, name);
      const isUnread = !known.current.branches.has(parent);
      await api.makeFolder(destinationId, path, life.current);
      if (isUnread) await read(parent, null);
      setTree((before) => {
        const next = before.branches.get(parent)?.next ?? null;
        return opened(grown(before, parent, { items: [{ name, isReadOnly: false }], next }), parent);
      });
      return path;
    },
    [api, destinationId, read],
  );
  return { tree, busy, failure, open, close, more, make };
}
