/** Files and folders of an account. Names are not unique in a folder of 115, and new files may take seconds to show. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { type Entry, PAGE_MAX, PAGES_MAX, type Space, stepsOf } from '../entries.ts';
import { FOLDER_EXISTS, NOT_FOUND } from '../faults.ts';
import { looseInt, looseSize, looseText } from '../loose.ts';
import type { OpenApi } from './api.ts';

const ROOT: Entry = { kind: 'folder', id: '0', name: '', sizeBytes: 0, sha1: '', pickCode: '' };

/** What stands at this path, or under this id; null when nothing does. */
export async function entryAt(
  api: OpenApi,
  place: { readonly path: string } | { readonly id: string },
  signal: AbortSignal,
): Promise<Entry | null> {
  const steps = 'path' in place ? stepsOf(place.path) : [];
  if ('path' in place ? steps.length === 0 : place.id === ROOT.id) return ROOT;
  const fields = 'path' in place ? { path: `/${steps.join('/')}` } : { file_id: place.id };
  try {
    const info = await api.call({ method: 'GET', path: '/open/folder/get_info', fields, schema: Info }, signal);
    if (info === null) return null;
    return {
      kind: info.file_category === 0 ? 'folder' : 'file',
      id: info.file_id,
      name: info.file_name,
      sizeBytes: info.file_category === 0 ? 0 : info.size_byte,
      sha1: info.sha1.toLowerCase(),
      pickCode: info.pick_code,
    };
  } catch (error) {
    if (error instanceof Fault && error.code === NOT_FOUND) return null;
    throw error;
  }
}

/** All of this name, the newest first: a folder may hold many. Reads 50,000 entries at most, a page of 1,150 per request. */
export async function entriesNamed(
  api: OpenApi,
  { folderId, name }: { readonly folderId: string; readonly name: string },
  signal: AbortSignal,
): Promise<readonly Entry[]> {
  const found: Entry[] = [];
  for (let page = 0; page < PAGES_MAX; page++) {
    const fields = {
      cid: folderId,
      limit: PAGE_MAX,
      offset: page * PAGE_MAX,
      show_dir: 1,
      cur: 1,
      o: 'user_utime',
      asc: 0,
      custom_order: 1,
    };
    const items = await api.call({ method: 'GET', path: '/open/ufile/files', fields, schema: Items }, signal);
    // Of a folder that is gone 115 may show the root.
    found.push(...items.filter((item) => item.fn === name && item.pid === folderId).map(entryOf));
    if (items.length < PAGE_MAX) break;
  }
  return found;
}

/** The folders directly inside this one, from a page of 1,150 entries of all kinds: `next` begins the one after it. */
export async function foldersIn(
  api: OpenApi,
  { folderId, offset }: { readonly folderId: string; readonly offset: number },
  signal: AbortSignal,
): Promise<{ readonly names: readonly string[]; readonly next: number | null }> {
  const fields = { cid: folderId, limit: PAGE_MAX, offset, show_dir: 1, cur: 1, o: 'file_name', asc: 1 };
  const items = await api.call({ method: 'GET', path: '/open/ufile/files', fields, schema: Items }, signal);
  const names = items.filter((item) => item.fc === 0 && item.pid === folderId).map((item) => item.fn);
  const next = offset + PAGE_MAX;
  return { names, next: items.length < PAGE_MAX || next >= PAGES_MAX * PAGE_MAX ? null : next };
}

/** The id of a folder of this name: the new one's, or the one's that was there. */
export async function makeFolder(
  api: OpenApi,
  { parentId, name }: { readonly parentId: string; readonly name: string },
  signal: AbortSignal,
): Promise<string> {
  try {
    const fields = { pid: parentId, file_name: name };
    const made = await api.call({ method: 'POST', path: '/open/folder/add', fields, schema: Made }, signal);
    return made.file_id;
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== FOLDER_EXISTS) throw error;
    const standing = await entriesNamed(api, { folderId: parentId, name }, signal);
    const folder = standing.find(({ kind }) => kind === 'folder');
    if (folder === undefined) throw error;
    return folder.id;
  }
}

/** The id of the folder at this path, made with all that lead to it where they are missing. */
export async function ensureFolder(api: OpenApi, path: string, signal: AbortSignal): Promise<string> {
  const steps = stepsOf(path);
  const missing: string[] = [];
  let standing = await entryAt(api, { path }, signal);
  while (standing === null) {
    missing.unshift(steps.pop() ?? '');
    standing = await entryAt(api, { path: steps.join('/') }, signal);
  }
  if (standing.kind !== 'folder') {
    throw new Fault(
      'rejected',
      'pan115.not_a_folder',
      'a file stands in 115 where a folder is wanted: choose another path',
    );
  }
  let id = standing.id;
  for (const name of missing) id = await makeFolder(api, { parentId: id, name }, signal);
  return id;
}

/** The suffix must stay: 115 refuses to change it. */
export async function renameEntry(
  api: OpenApi,
  { id, name }: { readonly id: string; readonly name: string },
  signal: AbortSignal,
): Promise<void> {
  const fields = { file_id: id, file_name: name };
  await api.call({ method: 'POST', path: '/open/ufile/update', fields, schema: z.unknown() }, signal);
}

/** Into the account's recycle bin. Fine when it is gone already. */
export async function removeEntry(
  api: OpenApi,
  { id, parentId }: { readonly id: string; readonly parentId: string },
  signal: AbortSignal,
): Promise<void> {
  const fields = { file_ids: id, parent_id: parentId };
  try {
    await api.call({ method: 'POST', path: '/open/ufile/delete', fields, schema: z.unknown() }, signal);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== NOT_FOUND) throw error;
  }
}

export async function space(api: OpenApi, signal: AbortSignal): Promise<Space> {
  const { rt_space_info: told } = await api.call({ method: 'GET', path: '/open/user/info', schema: User }, signal);
  return { totalBytes: told.all_total.size, freeBytes: told.all_remain.size };
}

function entryOf(item: z.infer<typeof Item>): Entry {
  const isFolder = item.fc === 0;
  return {
    kind: isFolder ? 'folder' : 'file',
    id: item.fid,
    name: item.fn,
    sizeBytes: isFolder ? 0 : item.fs,
    sha1: item.sha1.toLowerCase(),
    pickCode: item.pc,
  };
}

/** A list instead of an object: there is no such thing. */
const Info = z.preprocess(
  (value) => (Array.isArray(value) ? (value[0] ?? null) : value),
  z
    .object({
      file_id: looseText,
      file_name: looseText,
      file_category: looseInt,
      size_byte: looseSize.catch(0),
      sha1: z.string().catch(''),
      pick_code: z.string().catch(''),
    })
    .nullable(),
);

const Item = z.object({
  fid: looseText,
  pid: looseText,
  fc: looseInt,
  fn: looseText,
  fs: looseSize.catch(0),
  sha1: z.string().catch(''),
  pc: z.string().catch(''),
});

const Items = z.array(Item);

const Made = z.object({ file_id: looseText });

const Amount = z.object({ size: looseSize });

const User = z.object({ rt_space_info: z.object({ all_total: Amount, all_remain: Amount }) });
