/** The account's archives: whether one of them is made of an upload of ours. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { ask, type BilibiliAccount, type Question } from './account.ts';
import { dataOf } from './envelope.ts';
import { NEEDS_PERSON, UNAVAILABLE } from './faults.ts';
import type { HttpAnswer } from './http.ts';
import { type Archive, BvId } from './submit.ts';

const PAGE = 20;

export interface Listed extends Archive {
  readonly title: string;
}

/** The newest ones, those in review and those sent back among them, 20 a page from 1. */
export async function listArchives(
  account: BilibiliAccount,
  page: number,
  signal: AbortSignal,
): Promise<{ readonly archives: readonly Listed[]; readonly isLast: boolean }> {
  const query = { status: 'is_pubing,pubed,not_pubed', pn: page, ps: PAGE };
  const question: Question = { method: 'GET', host: 'member', path: '/x/web/archives', query };
  const answer = await ask(account, () => question, signal);
  const data = dataOf(answer, { endpoint: 'web/archives', asked: 'question', schema: ListAnswer });
  const archives = (data?.arc_audits ?? []).map(({ Archive: { aid, bvid, title } }) => ({ aid, bvid, title }));
  return { archives, isLast: archives.length < PAGE };
}

export interface ArchiveView {
  /** In the order of its parts. */
  readonly videos: readonly z.infer<typeof Video>[];
  /** All that is said of it, as an edit has to say it again. */
  readonly said: Readonly<Record<string, unknown>>;
}

/** What an archive is made of and what is said of it; null where Bilibili does not show this one, or not as others. */
export async function viewArchive(
  account: BilibiliAccount,
  { aid }: Archive,
  signal: AbortSignal,
): Promise<ArchiveView | null> {
  const question: Question = { method: 'GET', host: 'member', path: '/x/vupre/web/archive/view', query: { aid } };
  const view = viewIn(await ask(account, () => question, signal));
  if (view === null) return null;
  const said = Object.entries(view.archive ?? {}).filter(([name]) => !NOT_SAID_AGAIN.has(name));
  const watermark = view.watermark ? { watermark: { state: view.watermark.state } } : {};
  return { videos: view.videos ?? [], said: { ...Object.fromEntries(said), ...watermark } };
}

/** What other clients take out of a view before they say the rest again. */
const NOT_SAID_AGAIN: ReadonlySet<string> = new Set(
  'activity attrs human_type2 limited_free recreate tp_info'.split(' '),
);

const ListAnswer = z
  .object({
    arc_audits: z
      .array(z.object({ Archive: z.object({ aid: z.int().min(1), bvid: BvId, title: z.string().catch('') }) }))
      .nullish(),
  })
  .nullish();

const Video = z.object({
  filename: z.string(),
  title: z.string().catch(''),
  desc: z.string().catch(''),
  cid: z.int().optional().catch(undefined),
});

const ViewAnswer = z.object({
  archive: z.record(z.string(), z.unknown()).nullish().catch(null),
  videos: z.array(Video).nullish(),
  /** Said beside all else, and in an edit among it. */
  watermark: z.object({ state: z.int() }).nullish().catch(null),
});

function viewIn(answer: HttpAnswer): z.infer<typeof ViewAnswer> | null {
  try {
    return dataOf(answer, { endpoint: 'archive/view', asked: 'question', schema: ViewAnswer });
  } catch (error) {
    if (error instanceof Fault && isOfThisArchive(error, answer.status)) return null;
    throw error;
  }
}

/** What is said of the account, of the place, or of nothing at all goes for every archive. A status of 403 is the gateway's. */
function isOfThisArchive({ kind, code }: Fault, status: number): boolean {
  return kind !== 'auth' && kind !== 'throttled' && code !== NEEDS_PERSON && code !== UNAVAILABLE && status !== 403;
}
