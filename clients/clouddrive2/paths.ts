/** Virtual paths: `/cloud/folder/file`, with slashes only. */
import { Fault } from '#core/fault.ts';
import { AREA } from './faults.ts';

/** Throws Fault `rejected` for what the server would misread: a back-slash makes it think of its root. */
export function checkedPath(path: string): string {
  const names = path.split('/').slice(1);
  const isFine = path === '/' || (path.startsWith('/') && names.every(isName));
  if (isFine) return path;
  throw new Fault('rejected', `${AREA}.bad_path`, 'a path of CloudDrive2 is like /115/movies: slashes, and no . or ..');
}

/** Throws Fault `rejected` for a name that holds a slash, and for none. */
export function checkedName(name: string): string {
  if (isName(name) && !name.includes('/')) return name;
  throw new Fault('rejected', `${AREA}.bad_name`, 'this is no name for a file or folder');
}

export function splitPath(path: string): { readonly folder: string; readonly name: string } {
  const at = checkedPath(path).lastIndexOf('/');
  return { folder: path.slice(0, at) || '/', name: checkedName(path.slice(at + 1)) };
}

function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('\\') && !name.includes('\0');
}
