/** Files and folders of a drive, as both ways in tell of them. */

/** The root has the id `0`. */
export interface Entry {
  readonly kind: 'file' | 'folder';
  readonly id: string;
  readonly name: string;
  /** 0 for a folder. */
  readonly sizeBytes: number;
  /** Lower-case hex; empty for a folder. */
  readonly sha1: string;
  readonly pickCode: string;
}

export interface Space {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/** The whole of a page that 115 gives at most. */
export const PAGE_MAX = 1150;
/** A folder holds 50,000 entries at most. */
export const PAGES_MAX = 44;

/** The folders of a path: `/影视/2025` as `['影视', '2025']`. */
export function stepsOf(path: string): string[] {
  return path.split('/').filter((step) => step !== '');
}
