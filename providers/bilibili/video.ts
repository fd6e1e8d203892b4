/** A file as a video: what is said of it, and in which parts it goes. All that can be wrong with it is found before a byte moves. */
import { createHash } from 'node:crypto';
import type { Words } from '#clients/bilibili/submit.ts';
import { Fault, toFault } from '#core/fault.ts';
import type { Candidate } from '#core/ports/connection.ts';
import type { Plan } from '#core/ports/provider.ts';
import type { BilibiliSession } from './session.ts';
import type { BilibiliSettings } from './settings.ts';

const PARTS_MAX = 10_000;
const TITLE_MAX = 80;
const DESCRIPTION_MAX = 2000;
const THREADS_MAX = 8;

/** What is commonly a video. Bilibili's own list is not public; whatever it cannot read it refuses after hours, in its review. */
const EXTENSIONS: ReadonlySet<string> = new Set(
  '3gp avi f4v flv m2ts m4v mkv mov mp4 mpeg mpg rm rmvb ts vob webm wmv'.split(' '),
);

const NAME = /^(.+)\.([^.]+)$/su;

/** The Fault `rejected` that `wordsFor` throws, or null. */
export function refusalOf(settings: BilibiliSettings, file: Candidate): Fault | null {
  try {
    wordsFor(file, settings);
    return null;
  } catch (error) {
    return toFault(error);
  }
}

/** What is said of the video. Throws Fault `rejected` for a file that cannot become one, by what is wrong with it. */
export function wordsFor(file: Candidate, settings: BilibiliSettings): Words {
  const [, stem = '', extension = ''] = NAME.exec(file.name) ?? [];
  if (!EXTENSIONS.has(extension.toLowerCase())) {
    const text = 'Bilibili takes videos only: give the file the extension of one, .mp4 or its like, and send it again';
    throw new Fault('rejected', 'bilibili.no_video', text);
  }
  if (file.sizeBytes === 0) throw new Fault('rejected', 'bilibili.empty', 'Bilibili takes no empty file');
  const folder = file.folder.split('/').at(-1) ?? '';
  const filled = (text: string) => text.replaceAll('{name}', () => stem).replaceAll('{folder}', () => folder);
  const { tid, tags, copyright, source = '', cover = '', onlySelf, noReprint } = settings;
  const title = titleOf(filled(titleFor(file, settings)));
  const desc = filled(settings.desc);
  if (desc.length > DESCRIPTION_MAX) {
    const text = `the description has ${desc.length} characters, and Bilibili takes ${DESCRIPTION_MAX}: shorten it in the settings`;
    throw new Fault('rejected', 'bilibili.desc_too_long', text);
  }
  const partTitle = joinKeyOf(file, settings) === null ? title : cut(stem) || title;
  return { title, partTitle, tid, tags, copyright, source, desc, cover, onlySelf, noReprint };
}

/** By what files of one video know each other; null: this one is a video of its own. */
export function joinKeyOf({ folder }: Pick<Candidate, 'folder'>, { join, publish }: BilibiliSettings): string | null {
  if (join === 'never' || publish === 'upload-only' || folder === '/') return null;
  return createHash('sha256').update(folder).digest('base64url').slice(0, 16);
}

/** Bilibili's own size of parts, or as many of them together as files of more than 10,000 parts need. */
export function planParts({ chunkBytes, threads }: BilibiliSession, sizeBytes: number): Plan {
  const chunks = Math.max(1, Math.ceil(sizeBytes / PARTS_MAX / chunkBytes));
  return { partBytes: chunkBytes * chunks, inFlightMax: Math.min(threads, THREADS_MAX), order: 'any' };
}

/** A video of many files is not called after one of them, unless the settings say so. */
function titleFor(file: Candidate, settings: BilibiliSettings): string {
  return settings.title === '{name}' && joinKeyOf(file, settings) !== null ? '{folder}' : settings.title;
}

function titleOf(text: string): string {
  const title = cut(text);
  if (title !== '') return title;
  throw new Fault('rejected', 'bilibili.title_empty', 'nothing is left for a title: rename the file and send it again');
}

/** On one line, at most 80 UTF-16 units, never cut inside of what a reader sees as one character. */
function cut(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  let kept = '';
  for (const { segment } of new Intl.Segmenter().segment(line)) {
    if (kept.length + segment.length > TITLE_MAX) break;
    kept += segment;
  }
  return kept.trimEnd();
}
