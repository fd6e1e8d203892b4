/** The drive, through the open platform and through 115's web page. */
import { done, type Exchange, field, type Reply, refuse } from './exchange.ts';
import { addNode, checkName, type Node, ROOT_ID, shown, type World } from './world.ts';

const PAGE_MAX = 1150;
const TOTAL_BYTES = 1024 ** 4;

export function list({ query, world }: Exchange): Reply {
  const limit = Number(query.get('limit') ?? 20);
  if (limit > PAGE_MAX) refuse(40100000, '参数错误: limit');
  const parentId = shownFolder(world, field(query, 'cid', /^\d+$/));
  const offset = Number(query.get('offset') ?? 0);
  const withFolders = query.get('show_dir') === '1';
  const all = ordered(world, parentId, query).filter(({ kind }) => withFolders || kind === 'file');
  const data = all.slice(offset, offset + limit).map((node) => ({
    fid: node.id,
    aid: 1,
    pid: node.parentId,
    fc: node.kind === 'folder' ? '0' : '1',
    fn: node.name,
    fs: node.sizeBytes,
    sha1: node.sha1,
    pc: node.pickCode,
    upt: Math.floor(node.madeAtMs / 1000),
    fta: '1',
    ico: '',
  }));
  return done(data, { count: all.length, sys_count: 0, offset, limit, cid: Number(parentId), aid: 1, path: [] });
}

export function info({ query, world }: Exchange): Reply {
  const id = query.get('file_id');
  const path = query.get('path');
  if ((id === null) === (path === null)) refuse(40100000, '参数错误: file_id');
  const node = id === null ? atPath(world, path ?? '') : shown(world).find((one) => one.id === id);
  if (node === undefined) {
    if (world.settings.missing === 'refused') refuse(430004, '文件（夹）不存在或已删除。');
    return done([]);
  }
  return done({
    count: 0,
    size: `${node.sizeBytes}B`,
    size_byte: node.sizeBytes,
    folder_count: 0,
    ptime: node.madeAtMs,
    file_name: node.name,
    pick_code: node.pickCode,
    sha1: node.sha1,
    file_id: node.id,
    file_category: node.kind === 'folder' ? '0' : '1',
    paths: [],
  });
}

export function add({ form, world }: Exchange): Reply {
  const node = newFolder(world, form.get('pid'), form.get('file_name'));
  return done({ file_name: node.name, file_id: node.id });
}

export function update({ form, world }: Exchange): Reply {
  const node = world.nodes.get(form.get('file_id') ?? '') ?? refuse(430004, '文件不存在');
  const name = checkName(form.get('file_name') ?? '');
  if (node.kind === 'file' && suffixOf(name) !== suffixOf(node.name)) refuse(20020, '后缀名不正确');
  node.name = name;
  return done({ file_name: name, star: '0' });
}

export function remove({ form, world }: Exchange): Reply {
  const ids = field(form, 'file_ids', /^\d+(,\d+)*$/).split(',');
  for (const id of ids) if (!world.nodes.delete(id)) refuse(430004, '文件不存在');
  return done(ids);
}

/** Sizes come in three kinds of numbers. */
export function userInfo({ world }: Exchange): Reply {
  const used = usedBytes(world);
  const rt_space_info = {
    all_total: { size: String(TOTAL_BYTES), size_format: '1TB' },
    all_remain: { size: TOTAL_BYTES - used + 0.5, size_format: '1TB' },
    all_use: { size: used, size_format: '0B' },
  };
  return done({ user_id: Number(world.account.userId), user_name: 'somebody', rt_space_info });
}

export function webList({ query, world }: Exchange): Reply {
  const cid = shownFolder(world, field(query, 'cid', /^\d+$/));
  const offset = Number(query.get('offset') ?? 0);
  const limit = Math.min(Number(query.get('limit') ?? 32), PAGE_MAX);
  const all = ordered(world, cid, query);
  const data = all
    .slice(offset, offset + limit)
    .map((node) =>
      node.kind === 'folder'
        ? { cid: node.id, pid: node.parentId, n: node.name, pc: node.pickCode }
        : { fid: node.id, cid: node.parentId, n: node.name, s: node.sizeBytes, sha: node.sha1, pc: node.pickCode },
    );
  return { json: { state: true, error: '', errNo: 0, data, count: all.length, offset, cid } };
}

export function webAdd({ form, world }: Exchange): Reply {
  const node = newFolder(world, form.get('pid'), form.get('cname'));
  return { json: { state: true, error: '', errno: '', aid: 1, cid: node.id, cname: node.name, file_id: node.id } };
}

export function webSpace({ world }: Exchange): Reply {
  const all_remain = { size: TOTAL_BYTES - usedBytes(world) };
  const space_info = { all_total: { size: TOTAL_BYTES }, all_remain, all_use: { size: usedBytes(world) } };
  return { json: { state: true, error: '', data: { space_info } } };
}

/** In the place of a folder that does not exist, the root. */
function shownFolder(world: World, id: string): string {
  return world.nodes.get(id)?.kind === 'folder' ? id : ROOT_ID;
}

function newFolder(world: World, parentId: string | null, name: string | null): Node {
  const id = parentId ?? '';
  if (id !== ROOT_ID && world.nodes.get(id)?.kind !== 'folder') refuse(20009, '父目录不存在');
  const checked = checkName(name ?? '');
  const taken = [...world.nodes.values()].some(
    (node) => node.parentId === id && node.name === checked && node.kind === 'folder',
  );
  if (taken) refuse(20004, '该目录名称已存在。');
  return addNode(world, { parentId: id, name: checked, kind: 'folder' });
}

function ordered(world: World, parentId: string, query: URLSearchParams): Node[] {
  const children = shown(world).filter((node) => node.parentId === parentId);
  const isNewest = query.get('o') === 'user_utime' && query.get('asc') === '0';
  return isNewest ? children.reverse() : children;
}

function atPath(world: World, path: string): Node | undefined {
  let node: Node | undefined;
  for (const step of path.split(/[/>]/).filter((part) => part !== '')) {
    const parentId: string = node?.id ?? ROOT_ID;
    node = shown(world).find((one) => one.parentId === parentId && one.name === step);
    if (node === undefined) return undefined;
  }
  return node;
}

function usedBytes(world: World): number {
  return [...world.nodes.values()].reduce((sum, node) => sum + node.sizeBytes, 0);
}

function suffixOf(name: string): string {
  return name.lastIndexOf('.') > 0 ? name.slice(name.lastIndexOf('.')) : '';
}
