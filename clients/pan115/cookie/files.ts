/** Files and folders as 115's web page asks for them. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { type Entry, PAGE_MAX, PAGES_MAX, type Space, stepsOf } from '../entries.ts';
import { parsed } from '../envelope.ts';
import { FOLDER_EXISTS } from '../faults.ts';
import { looseInt, looseSize, looseText, looseTruth } from '../loose.ts';
import { askJson, type CookieAccount, type Fields } from './api.ts';
import { cookieRefused } from './refusals.ts';

/** All of this name, the newest first. Reads 50,000 entries at most, a page of 1,150 per request. */
export async function entriesNamed(
  account: CookieAccount,
  { folderId, name }: { readonly folderId: string; readonly name: string },
  signal: AbortSignal,
): Promise<readonly Entry[]> {
  const found: Entry[] = [];
  for (let page = 0; page < PAGES_MAX; page++) {
    const fields = {
      aid: 1,
      cid: folderId,
      limit: PAGE_MAX,
      offset: page * PAGE_MAX,
      show_dir: 1,
      o: 'user_utime',
      asc: 0,
    };
    const { data, cid } = await webApi(account, 'GET', '/files', fields, Page, signal);
    // Of a folder that does not exist 115 shows the root.
    if (cid !== folderId) break;
    found.push(...data.filter((item) => item.n === name).map(entryOf));
    if (data.length < PAGE_MAX) break;
  }
  return found;
}

/** The id of a folder of this name: the new one's, or the one's that was there. */
export async function makeFolder(
  account: CookieAccount,
  { parentId, name }: { readonly parentId: string; readonly name: string },
  signal: AbortSignal,
): Promise<string> {
  try {
    const made = await webApi(account, 'POST', '/files/add', { pid: parentId, cname: name }, Made, signal);
    return made.cid;
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== FOLDER_EXISTS) throw error;
    const folder = await folderNamed(account, { parentId, name }, signal);
    if (folder === undefined) throw error;
    return folder.id;
  }
}

/** The id of the folder at this path, made with all that lead to it where they are missing. */
export async function ensureFolder(account: CookieAccount, path: string, signal: AbortSignal): Promise<string> {
  let parentId = '0';
  for (const name of stepsOf(path)) {
    const standing = await folderNamed(account, { parentId, name }, signal);
    parentId = standing?.id ?? (await makeFolder(account, { parentId, name }, signal));
  }
  return parentId;
}

export async function space(account: CookieAccount, signal: AbortSignal): Promise<Space> {
  const { data } = await webApi(account, 'GET', '/files/index_info', {}, Index, signal);
  return { totalBytes: data.space_info.all_total.size, freeBytes: data.space_info.all_remain.size };
}

async function folderNamed(
  account: CookieAccount,
  { parentId, name }: { readonly parentId: string; readonly name: string },
  signal: AbortSignal,
): Promise<Entry | undefined> {
  const standing = await entriesNamed(account, { folderId: parentId, name }, signal);
  return standing.find(({ kind }) => kind === 'folder');
}

async function webApi<T>(
  account: CookieAccount,
  method: 'GET' | 'POST',
  path: string,
  fields: Fields,
  schema: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T> {
  const read = (told: unknown): T => {
    const shell = parsed(Shell, told, path);
    if (shell.state) return parsed(schema, told, path);
    throw cookieRefused(shell.errno || shell.errNo || shell.code || 0, shell.error || shell.message || '');
  };
  return askJson(account, { method, url: account.hosts.web + path, fields, read }, signal);
}

/** A folder has no `fid`; its own id is `cid`, which on a file is its folder's. */
function entryOf(item: z.infer<typeof Item>): Entry {
  const isFile = item.fid !== undefined;
  return {
    kind: isFile ? 'file' : 'folder',
    id: item.fid ?? item.cid,
    name: item.n,
    sizeBytes: isFile ? item.s : 0,
    sha1: item.sha.toLowerCase(),
    pickCode: item.pc,
  };
}

const Shell = z.object({
  state: looseTruth,
  errno: looseInt.optional().catch(0),
  errNo: looseInt.optional().catch(0),
  code: looseInt.optional().catch(0),
  error: looseText.optional().catch(''),
  message: looseText.optional().catch(''),
});

const Item = z.object({
  n: looseText,
  cid: looseText,
  fid: looseText.optional(),
  s: looseSize.catch(0),
  sha: z.string().catch(''),
  pc: z.string().catch(''),
});

const Page = z.object({ data: z.array(Item), cid: looseText });

const Made = z.object({ cid: looseText });

const Amount = z.object({ size: looseSize });

const Index = z.object({ data: z.object({ space_info: z.object({ all_total: Amount, all_remain: Amount }) }) });
