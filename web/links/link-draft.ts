/** A link as its form has it, and as the API takes it. Pure. */
import type { CreateLink, LinkView, PerSender } from '#core/wire/link.ts';
import { FolderPath } from '#core/wire/upload.ts';

export const EXPIRY_DAYS = [1, 3, 7, 14, 30, 90, 365] as const;
export const NAME_MAX = 80;
export const NOTE_MAX = 500;
const DAY_MS = 24 * 3_600_000;
/** As files are sized everywhere on the page. */
const GIGABYTE = 1e9;
const FILES_MAX = 1_000_000;
const GIGABYTES_MAX = 1_000_000;

export interface Place {
  readonly id: string;
  readonly path: string;
}

/** As typed. */
export interface LinkDraft {
  readonly name: string;
  readonly note: string;
  readonly places: readonly Place[];
  readonly perSender: PerSender;
  /** Days from now, or `kept`: when it expires already. */
  readonly expiry: string;
  readonly files: string;
  readonly gigabytes: string;
  readonly fileGigabytes: string;
  readonly suffixes: string;
}

export type Wrong = Exclude<keyof LinkDraft, 'note' | 'perSender' | 'expiry'>;
/** Each of them, whole: a form shows and sends all. */
export type LinkBody = Required<Omit<CreateLink, 'expiresAt'>> & Pick<CreateLink, 'expiresAt'>;

/** `firstId` is the destination that a new link goes to unless another is chosen. */
export function newDraft(firstId: string | undefined): LinkDraft {
  return {
    name: '',
    note: '',
    places: firstId === undefined ? [] : [{ id: firstId, path: '/' }],
    perSender: 'folder',
    expiry: '14',
    ...{ files: '', gigabytes: '', fileGigabytes: '', suffixes: '' },
  };
}

export function draftOf(link: LinkView): LinkDraft {
  return {
    name: link.name,
    note: link.note,
    places: link.destinations,
    perSender: link.perSender,
    expiry: 'kept',
    files: link.filesMax === null ? '' : String(link.filesMax),
    gigabytes: inGigabytes(link.bytesMax),
    fileGigabytes: inGigabytes(link.fileBytesMax),
    suffixes: link.suffixes?.join(', ') ?? '',
  };
}

/** What does not fit, by field; empty when all does. */
export function wrongsOf(draft: LinkDraft): ReadonlySet<Wrong> {
  const wrong = new Set<Wrong>();
  if (draft.name.trim() === '') wrong.add('name');
  if (draft.places.length === 0 || draft.places.some(({ path }) => !FolderPath.safeParse(path).success)) {
    wrong.add('places');
  }
  if (parseFiles(draft.files) === undefined) wrong.add('files');
  if (parseGigabytes(draft.gigabytes) === undefined) wrong.add('gigabytes');
  if (parseGigabytes(draft.fileGigabytes) === undefined) wrong.add('fileGigabytes');
  if (parseSuffixes(draft.suffixes) === undefined) wrong.add('suffixes');
  return wrong;
}

/** To be asked for a draft with nothing wrong in it. */
export function bodyOf(draft: LinkDraft, nowMs: number): LinkBody {
  const { name, note, places, perSender, expiry } = draft;
  return {
    name: name.trim(),
    note: note.trim(),
    destinations: places.map(({ id, path }) => ({ id, path })),
    perSender,
    filesMax: parseFiles(draft.files) ?? null,
    bytesMax: parseGigabytes(draft.gigabytes) ?? null,
    fileBytesMax: parseGigabytes(draft.fileGigabytes) ?? null,
    suffixes: parseSuffixes(draft.suffixes) ?? null,
    ...(expiry === 'kept' ? {} : { expiresAt: new Date(nowMs + Number(expiry) * DAY_MS).toISOString() }),
  };
}

/** `.mp4, mov`: with or without the dots, however they are set apart. Null: no limit. Undefined: no such list. */
export function parseSuffixes(text: string): string[] | null | undefined {
  const words = text.split(/[\s,，、;；]+/).filter(Boolean);
  if (words.length === 0) return null;
  const suffixes = words.map((word) => `.${word.replace(/^\*?\./, '').toLowerCase()}`);
  const isGood = suffixes.length <= 32 && suffixes.every((one) => /^(?:\.[a-z0-9]{1,16}){1,2}$/.test(one));
  return isGood ? [...new Set(suffixes)] : undefined;
}

/** Null: no limit. Undefined: no such number. */
function parseFiles(text: string): number | null | undefined {
  if (text.trim() === '') return null;
  const files = Number(text);
  return Number.isInteger(files) && files >= 1 && files <= FILES_MAX ? files : undefined;
}

/** In bytes. Null: no limit. Undefined: no such number. */
function parseGigabytes(text: string): number | null | undefined {
  if (text.trim() === '') return null;
  const gigabytes = Number(text.replace(',', '.'));
  const bytes = Math.round(gigabytes * GIGABYTE);
  return bytes >= 1 && gigabytes <= GIGABYTES_MAX ? bytes : undefined;
}

function inGigabytes(bytes: number | null): string {
  return bytes === null ? '' : String(bytes / GIGABYTE);
}
