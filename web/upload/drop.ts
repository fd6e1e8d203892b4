/** Files and folders out of a drop or an input, with their relative paths, and with handles where the browser has them. */
import type { PickedFile } from './queue.ts';

/** Files are handed over in groups of this many, so that a folder of thousands shows up while it is still being read. */
const GROUP = 200;

/**
 * The files of a drop, folders with everything in them. The first call has to happen inside the drop event: a browser
 * takes the data away once the event is over.
 */
export function droppedFiles(data: DataTransfer): AsyncGenerator<readonly PickedFile[]> {
  const items = [...data.items].filter((item) => item.kind === 'file').map(capture);
  return grouped(walk(items));
}

/** The files of an `<input type="file">`, also of one with `webkitdirectory`. */
export function inputFiles(files: Iterable<File>): PickedFile[] {
  return [...files].map((file) => ({ file, folder: folderOf(file.webkitRelativePath), handle: null }));
}

/** By the browser's own dialog, where it has one that brings handles; null where it has none. Empty when dismissed. */
export async function pickFiles(): Promise<readonly PickedFile[] | null> {
  const picker = Reflect.get(globalThis, 'showOpenFilePicker');
  if (typeof picker !== 'function') return null;
  try {
    const handles: readonly FileSystemFileHandle[] = await picker({ multiple: true });
    return Promise.all(handles.map(async (handle) => ({ file: await handle.getFile(), folder: '', handle })));
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return [];
    throw error;
  }
}

/** `a/b` of `a/b/c.bin`. */
export function folderOf(relativePath: string): string {
  return relativePath.split('/').filter(Boolean).slice(0, -1).join('/');
}

interface Captured {
  readonly handle: Promise<FileSystemHandle | null>;
  readonly entry: FileSystemEntry | null;
  readonly file: File | null;
}

function capture(item: DataTransferItem): Captured {
  const ask = Reflect.get(item, 'getAsFileSystemHandle');
  const handle: Promise<FileSystemHandle | null> =
    typeof ask === 'function' ? ask.call(item).catch(() => null) : Promise.resolve(null);
  return { handle, entry: item.webkitGetAsEntry(), file: item.getAsFile() };
}

async function* walk(items: readonly Captured[]): AsyncGenerator<PickedFile> {
  for (const { handle, entry, file } of items) {
    const found = await handle;
    if (found) yield* walkHandle(found, '');
    else if (entry) yield* walkEntry(entry, '');
    else if (file) yield { file, folder: '', handle: null };
  }
}

async function* walkHandle(handle: FileSystemHandle, folder: string): AsyncGenerator<PickedFile> {
  if (isFileHandle(handle)) {
    yield { file: await handle.getFile(), folder, handle };
    return;
  }
  if (!isDirectoryHandle(handle)) return;
  const inside = folder ? `${folder}/${handle.name}` : handle.name;
  for await (const child of handle.values()) yield* walkHandle(child, inside);
}

async function* walkEntry(entry: FileSystemEntry, folder: string): AsyncGenerator<PickedFile> {
  if (isFileEntry(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    yield { file, folder, handle: null };
    return;
  }
  if (!isDirectoryEntry(entry)) return;
  const inside = folder ? `${folder}/${entry.name}` : entry.name;
  const reader = entry.createReader();
  for (;;) {
    // One call brings a hundred or so; an empty answer is the end.
    const children = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (children.length === 0) return;
    for (const child of children) yield* walkEntry(child, inside);
  }
}

async function* grouped(files: AsyncIterable<PickedFile>): AsyncGenerator<readonly PickedFile[]> {
  let group: PickedFile[] = [];
  for await (const file of files) {
    group.push(file);
    if (group.length < GROUP) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

function isFileHandle(handle: FileSystemHandle): handle is FileSystemFileHandle {
  return handle.kind === 'file';
}

function isDirectoryHandle(handle: FileSystemHandle): handle is FileSystemDirectoryHandle {
  return handle.kind === 'directory';
}

function isFileEntry(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isDirectoryEntry(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}
