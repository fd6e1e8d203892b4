/** A file as Bilibili would have it: what can be known to be wrong is said before a byte moves. */
import type { Words } from '#clients/bilibili/submit.ts';
import { Fault } from '#core/fault.ts';
import type { Item, Plan } from '#core/ports/provider.ts';
import type { BilibiliSession } from './session.ts';
import type { BilibiliSettings } from './settings.ts';

const PARTS_MAX = 10_000;
const TITLE_MAX = 80;
const THREADS_MAX = 8;

/** What is commonly a video. Bilibili's own list is not public; whatever it cannot read it refuses after hours, in its review. */
const EXTENSIONS: ReadonlySet<string> = new Set(
  '3gp avi f4v flv m2ts m4v mkv mov mp4 mpeg mpg rm rmvb ts vob webm wmv'.split(' '),
);

const NAME = /^(.+)\.([^.]+)$/su;

/** What is said of the video. Throws Fault `rejected` for a file that cannot become one. */
export function wordsFor({ name, sizeBytes }: Item, settings: BilibiliSettings): Words {
  const [, stem = '', extension = ''] = NAME.exec(name) ?? [];
  if (!EXTENSIONS.has(extension.toLowerCase())) {
    const text = 'Bilibili takes videos only: give the file the extension of one, .mp4 or its like, and send it again';
    throw new Fault('rejected', 'bilibili.no_video', text);
  }
  if (sizeBytes === 0) throw new Fault('rejected', 'bilibili.empty', 'Bilibili takes no empty file');
  const { tid, tags, copyright, source = '', desc, onlySelf, noReprint } = settings;
  const title = titleOf(settings.title.replaceAll('{name}', () => stem));
  return { title, tid, tags, copyright, source, desc, onlySelf, noReprint };
}

/** Bilibili's own size of parts, or as many of them together as files of more than 10,000 parts need. */
export function planParts({ chunkBytes, threads }: BilibiliSession, sizeBytes: number): Plan {
  const chunks = Math.max(1, Math.ceil(sizeBytes / PARTS_MAX / chunkBytes));
  return { partBytes: chunkBytes * chunks, inFlightMax: Math.min(threads, THREADS_MAX), order: 'any' };
}

/** On one line, at most 80 UTF-16 units, never cut inside of what a reader sees as one character. */
function titleOf(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  let title = '';
  for (const { segment } of new Intl.Segmenter().segment(line)) {
    if (title.length + segment.length > TITLE_MAX) break;
    title += segment;
  }
  title = title.trimEnd();
  if (title !== '') return title;
  throw new Fault('rejected', 'bilibili.title_empty', 'nothing is left for a title: rename the file and send it again');
}
