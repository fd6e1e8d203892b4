/** The submission: an uploaded object becomes an archive, which is a video with what is said of it. Nothing makes it repeatable. */
import * as z from 'zod';
import { ask, type BilibiliAccount } from './account.ts';
import { csrfOf } from './cookies.ts';
import { dataOf } from './envelope.ts';

/** What a person says of a video. */
export interface Words {
  readonly title: string;
  /** Of the one part that is submitted, for a video may get others. */
  readonly partTitle: string;
  /** The partition. */
  readonly tid: number;
  readonly tags: readonly string[];
  /** 1: made by the account's owner, 2: from `source`. */
  readonly copyright: 1 | 2;
  readonly source: string;
  readonly desc: string;
  /** The address of a picture that Bilibili has; empty: it takes one out of the video. */
  readonly cover: string;
  readonly onlySelf: boolean;
  readonly noReprint: boolean;
}

export interface NewPart {
  /** Of its upload. */
  readonly fileName: string;
  readonly cid: number;
  readonly words: Words;
}

export interface Archive {
  readonly aid: number;
  /** Empty where Bilibili did not tell it. */
  readonly bvid: string;
}

/** Merging may have to be waited for. */
const SUBMIT_MS = 60_000;

/** Not repeatable: whoever does not get an answer looks for the archive first. */
export async function submit(
  account: BilibiliAccount,
  video: NewPart & { readonly nowMs: number },
  signal: AbortSignal,
): Promise<Archive> {
  const { words } = video;
  const answer = await ask(
    account,
    (cookies) => {
      const csrf = csrfOf(cookies);
      return {
        method: 'POST',
        host: 'member',
        path: '/x/vu/web/add/v3',
        query: { t: video.nowMs, csrf },
        json: { ...saidOf(words), videos: [partOf(video)], csrf },
        timeoutMs: SUBMIT_MS,
      };
    },
    signal,
  );
  return dataOf(answer, { endpoint: 'add/v3', asked: 'submit', schema: Added });
}

export const BvId = z
  .string()
  .regex(/^BV[0-9A-Za-z]{10}$/)
  .catch('');

export function partOf({ fileName, cid, words }: NewPart) {
  return { filename: fileName, title: words.partTitle, desc: '', cid };
}

/** All but the parts. */
export function saidOf(words: Words): Readonly<Record<string, unknown>> {
  const { title, tid, tags, copyright, source, desc, cover, onlySelf, noReprint } = words;
  return {
    copyright,
    ...(copyright === 2 ? { source } : {}),
    title,
    tid,
    tag: tags.join(','),
    desc,
    desc_format_id: 0,
    cover,
    dynamic: '',
    subtitle: { open: 0, lan: '' },
    no_reprint: noReprint ? 1 : 0,
    is_only_self: onlySelf ? 1 : 0,
    web_os: 1,
  };
}

const Added = z.object({ aid: z.int().min(1), bvid: BvId });
