/** Whether an archive is made of our upload already. Submissions have no name of their own: this is what keeps them single. */
import { fileNamesOf, type Listed, listArchives } from '#clients/bilibili/archives.ts';
import type { Archive } from '#clients/bilibili/submit.ts';
import type { Item } from '#core/ports/provider.ts';
import type { Standing } from './ledger.ts';
import { asking, type Link } from './link.ts';
import { wordsFor } from './video.ts';

/** Of 20 each; more where a submission was begun. */
const PAGES = { usual: 1, begun: 3 };
/** Archives that are opened, one request each. */
const OPENED_MAX = 12;

interface Sought {
  readonly item: Item;
  readonly fileName: string;
  readonly standing: Standing | null;
}

/**
 * Opens the newest archives of our title; where a submission was begun, others too, for its title may have been another one. The
 * newest comes first.
 */
export function findArchive(to: Link, sought: Sought, signal: AbortSignal): Promise<Archive | null> {
  const at = { stage: 'submit', transferId: sought.item.transferId } as const;
  return asking(to, at, { signal, work: () => find(to, sought, signal) });
}

async function find(to: Link, { item, fileName, standing }: Sought, signal: AbortSignal): Promise<Archive | null> {
  const { title } = wordsFor(item, to.settings);
  const isBegun = standing?.kind === 'begun';
  const listed: Listed[] = [];
  for (let page = 1; page <= (isBegun ? PAGES.begun : PAGES.usual); page++) {
    const { archives, isLast } = await listArchives(to.account, page, signal);
    listed.push(...archives);
    if (isLast) break;
  }
  const ours = listed.filter((one) => one.title === title);
  const others = isBegun ? listed.filter((one) => one.title !== title) : [];
  for (const archive of [...ours, ...others].slice(0, OPENED_MAX)) {
    const fileNames = await fileNamesOf(to.account, archive, signal);
    if (fileNames.includes(fileName)) return { aid: archive.aid, bvid: archive.bvid };
  }
  return null;
}
