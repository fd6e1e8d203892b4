/** An account of the video site Bilibili. README.md says what it promises and what it cannot. */
import { accountName, partitions } from '#clients/bilibili/person.ts';
import { fileNameOf } from '#clients/bilibili/preupload.ts';
import { putPart } from '#clients/bilibili/upos.ts';
import { toFault } from '#core/fault.ts';
import { providerKind } from '#core/ports/connection.ts';
import {
  type CheckReport,
  type Holding,
  type Item,
  type PartBody,
  type PartReceipt,
  type PushProvider,
  pushProvider,
} from '#core/ports/provider.ts';
import { finish, receiptOf } from './finish.ts';
import { foundJoined } from './join.ts';
import { asking, type Link, link, uploadOf } from './link.ts';
import { findArchive } from './look.ts';
import { open } from './open.ts';
import { keepLogin, type LoginNews } from './renewal.ts';
import { BilibiliSession, SESSION_MS } from './session.ts';
import { BilibiliLogin, BilibiliSettings } from './settings.ts';
import { planParts, refusalOf } from './video.ts';

export const bilibiliKind = providerKind<BilibiliSettings, BilibiliLogin>({
  id: 'bilibili',
  settings: BilibiliSettings,
  credentials: BilibiliLogin,
  siteSettings: ['endpoints'],
  account: ({ cookies }) => cookies['DedeUserID'] ?? null,
  refusal: refusalOf,
  connect: (connection) => pushProvider(BilibiliSession, bilibiliDriver(link(connection))),
});

const SAID: Readonly<Record<LoginNews, string>> = {
  good: '',
  renewed: '; the login was just renewed',
  old: '; Bilibili wants the login renewed, for which it lacks the refresh token: log in again soon',
  refused: '; Bilibili does not renew this login: log in again before it ends',
};
const DAY_MS = 24 * 60 * 60_000;
/** What `partTimeoutSeconds` is said of. */
const TIMED_BYTES = 10 * 1024 * 1024;

function bilibiliDriver(to: Link): Omit<PushProvider<BilibiliSession>, 'mode'> {
  return {
    id: 'bilibili',
    needs: [],
    instant: 'never',
    plan: (session, sizeBytes) => planParts(session, sizeBytes),
    open: (item, { signal }) => open(to, item, signal),
    put: (session, item, part, { signal }) => put(to, session, item, part, signal),
    finish: (session, item, receipts, { signal }) => finish(to, session, item, receipts, signal),
    inspect: (session, item, _parts, { signal }) => inspect(to, session, item, signal),
    // No call is known that gives an upload up: it lapses after some days.
    discard: async (_session, _item, { signal }) => signal.throwIfAborted(),
    check: ({ signal }) => check(to, signal),
  };
}

async function put(
  to: Link,
  session: BilibiliSession,
  item: Item,
  part: PartBody,
  signal: AbortSignal,
): Promise<PartReceipt> {
  const { number, range, sizeBytes } = part;
  const totalBytes = item.sizeBytes;
  const partCount = Math.ceil(totalBytes / planParts(session, totalBytes).partBytes);
  const timeoutMs = to.settings.partTimeoutSeconds * 1000 * Math.ceil(sizeBytes / TIMED_BYTES);
  const sent = { number, range, partCount, totalBytes, sizeBytes, open: () => part.open() };
  await putPart(uploadOf(to, session), sent, { timeoutMs, signal });
  return { number, tag: '' };
}

/** Bilibili lists no parts. Where an upload was not put together yet, nothing of it can have been submitted. */
async function inspect(to: Link, session: BilibiliSession, item: Item, signal: AbortSignal): Promise<Holding> {
  signal.throwIfAborted();
  const fileName = fileNameOf(session.object);
  const standing = await to.ledger.standing(fileName);
  if (standing?.kind === 'done') return { kind: 'complete', receipt: receiptOf(item, session, standing.archive) };
  if (standing !== null && to.settings.publish === 'submit') {
    await to.ledger.maySubmit(item.transferId);
    const archive = await findArchive(to, { item, fileNames: [fileName], isBegun: standing.kind === 'begun' }, signal);
    if (archive !== null) {
      await foundJoined(to, item, fileName, archive);
      return { kind: 'complete', receipt: receiptOf(item, session, archive) };
    }
  }
  const isOver = to.clock.now() >= session.openedAtMs + SESSION_MS;
  return isOver ? { kind: 'gone' } : { kind: 'partial', held: [] };
}

async function check(to: Link, signal: AbortSignal): Promise<CheckReport> {
  signal.throwIfAborted();
  await to.ledger.mustBeAwake(null);
  const at = { stage: 'open', transferId: null } as const;
  const name = await asking(to, at, { signal, work: () => accountName(to.account, signal) });
  const partition = await partitionOf(to, signal);
  const news = await keepLogin(to, 'now', signal);
  const { expiresAtMs, refreshToken } = await to.login.read();
  const daysLeft = expiresAtMs === undefined ? null : Math.floor((expiresAtMs - to.clock.now()) / DAY_MS);
  const left = daysLeft === null ? '' : `; the login is good for ${Math.max(0, daysLeft)} days`;
  const renews = refreshToken === undefined ? '' : '; it renews itself';
  return { message: `logged in to Bilibili as ${name}${partition}${SAID[news]}${left}${renews}` };
}

/** Only a word to a person: nobody has seen how Bilibili takes a partition that it does not list. */
async function partitionOf(to: Link, signal: AbortSignal): Promise<string> {
  const { tid } = to.settings;
  const work = () => partitions(to.account, signal);
  const listed = await asking(to, { stage: 'open', transferId: null }, { signal, work }).catch((error: unknown) => {
    if (toFault(error).kind === 'throttled') throw error;
    return null;
  });
  signal.throwIfAborted();
  if (listed === null || listed.size === 0) return '';
  const name = listed.get(tid);
  return name === undefined
    ? `; Bilibili does not offer this account a partition ${tid}: see whether the number is right`
    : `; partition ${name}`;
}
