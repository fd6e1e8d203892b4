/** The edit of an archive: what is said then takes the place of all that was said before, the list of its parts included. */
import * as z from 'zod';
import { ask, type BilibiliAccount } from './account.ts';
import type { ArchiveView } from './archives.ts';
import { csrfOf } from './cookies.ts';
import { dataOf } from './envelope.ts';
import { type Archive, type NewPart, partOf, saidOf } from './submit.ts';

/** More than these were refused at a submission. */
export const PARTS_OF_ARCHIVE_MAX = 100;

const EDIT_MS = 60_000;

/**
 * Puts a part among those of the archive as it was just seen, by its title. All else is said again as it stands there, and by
 * `words` where the view does not tell it. Repeating it with a fresh view changes nothing; two at once may undo each other.
 */
export async function addPart(
  account: BilibiliAccount,
  edit: NewPart & { readonly archive: Archive; readonly view: ArchiveView; readonly nowMs: number },
  signal: AbortSignal,
): Promise<Archive> {
  const { archive, view, words, nowMs } = edit;
  const answer = await ask(
    account,
    (cookies) => {
      const csrf = csrfOf(cookies);
      const videos = inOrder(view.videos, partOf(edit));
      return {
        method: 'POST',
        host: 'member',
        path: '/x/vu/web/edit',
        query: { t: nowMs, csrf },
        json: { ...saidOf(words), ...view.said, aid: archive.aid, videos, csrf },
        timeoutMs: EDIT_MS,
      };
    },
    signal,
  );
  dataOf(answer, { endpoint: 'web/edit', asked: 'submit', schema: z.unknown() });
  return archive;
}

type Videos = ArchiveView['videos'];

const titles = new Intl.Collator('und', { numeric: true });

/** Before the first one that comes after it; the order of the others is left as it is. */
function inOrder(videos: Videos, video: Videos[number]): Videos {
  const next = videos.findIndex(({ title }) => titles.compare(title, video.title) > 0);
  return next < 0 ? [...videos, video] : videos.toSpliced(next, 0, video);
}
