/** Whether an archive is made of our upload already. Submissions have no name of their own: this is what keeps them single. */
import { type Listed, listArchives, viewArchive } from '#clients/bilibili/archives.ts';
import type { Archive } from '#clients/bilibili/submit.ts';
import type { Item } from '#core/ports/provider.ts';
import { asking, type Link } from './link.ts';
import { joinKeyOf, wordsFor } from './video.ts';

/** Of 20 each; more where a submission was begun. */
const PAGES = { usual: 1, begun: 3 };
/** Archives that are opened, one request each. */
const OPENED_MAX = 12;

interface Sought {
  readonly item: Item;
  /** Of uploads, any of which. */
  readonly fileNames: readonly string[];
  /** A submission of one of them may have arrived. */
  readonly isBegun: boolean;
}

/**
 * Opens the archive that files of this folder go into, and the newest of our title; where a submission was begun, others too, for
 * its title may have been another one. The newest comes first.
 */
export function findArchive(to: Link, sought: Sought, signal: AbortSignal): Promise<Archive | null> {
  const at = { stage: 'submit', transferId: sought.item.transferId } as const;
  return asking(to, at, { signal, work: () => find(to, sought, signal) });
}

async function find(to: Link, { item, fileNames, isBegun }: Sought, signal: AbortSignal): Promise<Archive | null> {
  const { title } = wordsFor(item, to.settings);
  const isOurs = async (archive: Archive): Promise<boolean> => {
    const view = await viewArchive(to.account, archive, signal);
    return view?.videos.some(({ filename }) => fileNames.includes(filename)) ?? false;
  };
  const key = joinKeyOf(item, to.settings);
  const joined = key === null ? null : ((await to.joins.known(key))?.archive ?? null);
  if (joined !== null && (await isOurs(joined))) return joined;
  const listed: Listed[] = [];
  for (let page = 1; page <= (isBegun ? PAGES.begun : PAGES.usual); page++) {
    const { archives, isLast } = await listArchives(to.account, page, signal);
    listed.push(...archives.filter(({ aid }) => aid !== joined?.aid));
    if (isLast) break;
  }
  const titled = listed.filter((one) => one.title === title);
  const others = isBegun ? listed.filter((one) => one.title !== title) : [];
  for (const { aid, bvid } of [...titled, ...others].slice(0, OPENED_MAX)) {
    if (await isOurs({ aid, bvid })) return { aid, bvid };
  }
  return null;
}
