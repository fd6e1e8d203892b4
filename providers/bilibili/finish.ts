/** The end of a transfer: the parts are put together, and what they are becomes an archive, once. */
import type { Cookies } from '#clients/bilibili/cookies.ts';
import { fileNameOf } from '#clients/bilibili/preupload.ts';
import { type Archive, submit } from '#clients/bilibili/submit.ts';
import { completeUpload } from '#clients/bilibili/upos.ts';
import { type Fault, type FaultKind, toFault } from '#core/fault.ts';
import type { Item, PartReceipt } from '#core/ports/provider.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import { foundJoined, joinOnce, QUIET_MS, unclear } from './join.ts';
import type { Standing } from './ledger.ts';
import { changedMeanwhile, isReplaced, type Link, uploadOf } from './link.ts';
import { findArchive } from './look.ts';
import type { BilibiliSession } from './session.ts';
import { joinKeyOf, wordsFor } from './video.ts';

/** After these Bilibili has made no archive. */
const REFUSALS: readonly FaultKind[] = ['rejected', 'throttled', 'risk', 'auth', 'gone'];
/** Of them, what may be said because an earlier submission has arrived. The others speak of the account. */
const OF_THE_VIDEO: readonly FaultKind[] = ['rejected', 'gone'];

/**
 * Repeatable at every point. What is refused for its words stays uploaded: the same call with other settings submits it. Throws
 * Fault `transient` `bilibili.submit_unclear` while nobody knows whether a submission has arrived.
 */
export async function finish(
  to: Link,
  session: BilibiliSession,
  item: Item,
  receipts: readonly PartReceipt[],
  signal: AbortSignal,
): Promise<Receipt> {
  signal.throwIfAborted();
  const fileName = fileNameOf(session.object);
  const standing = await to.ledger.standing(fileName);
  if (standing?.kind === 'done') return receiptOf(item, session, standing.archive);
  if (standing === null) {
    const numbers = receipts.map(({ number }) => number);
    const { profile, bizId } = session;
    await completeUpload(uploadOf(to, session), { name: item.name, profile, bizId, numbers }, signal);
    await to.ledger.stand(fileName, { kind: 'merged' });
  }
  if (to.settings.publish === 'upload-only') {
    await to.ledger.stand(fileName, { kind: 'done', archive: null });
    return receiptOf(item, session, null);
  }
  await to.ledger.maySubmit(item.transferId);
  const sought = { item, fileNames: [fileName], isBegun: standing?.kind === 'begun' };
  const found = await findArchive(to, sought, signal);
  const archive = found ?? (await submitted(to, session, item, signal));
  if (found !== null) await foundJoined(to, item, fileName, found);
  await note(to, fileName, { kind: 'done', archive });
  if (found === null) await to.ledger.answered('submit');
  return receiptOf(item, session, archive);
}

/** Evidence C: Bilibili tells no sum and no size of what it has. */
export function receiptOf({ sizeBytes }: Item, { object, bizId }: BilibiliSession, archive: Archive | null): Receipt {
  const base = { evidence: 'C', sizeBytes, checkedBy: 'part count' } as const;
  if (archive === null) return { ...base, location: `bilibili:${fileNameOf(object)}`, remoteId: `cid ${bizId}` };
  const { aid, bvid } = archive;
  return { ...base, location: `https://www.bilibili.com/video/av${aid}`, remoteId: bvid || `av${aid}` };
}

/** As a video of its own, or as a part of the one that its folder is. */
function submitted(to: Link, session: BilibiliSession, item: Item, signal: AbortSignal): Promise<Archive> {
  const { account, clock, settings } = to;
  const fileName = fileNameOf(session.object);
  const part = { fileName, cid: session.bizId, words: wordsFor(item, settings) };
  const once = (request: () => Promise<Archive>) => sendOnce(to, { item, fileName, request }, signal);
  const asNew = () => submit(account, { ...part, nowMs: clock.now() }, signal);
  const key = joinKeyOf(item, settings);
  return key === null ? once(asNew) : joinOnce(to, { item, key, part, asNew, once }, signal);
}

interface Sending {
  readonly item: Item;
  readonly fileName: string;
  readonly request: () => Promise<Archive>;
}

/** A request that cannot be repeated, written down before it is made, and looked for where nobody knows whether it has arrived. */
async function sendOnce(to: Link, { item, fileName, request }: Sending, signal: AbortSignal): Promise<Archive> {
  const { ledger, clock, account } = to;
  const before = await ledger.standing(fileName);
  if (before?.kind === 'begun' && clock.now() < before.atMs + QUIET_MS) throw unclear();
  const sent = await account.cookies();
  await ledger.takeSubmission(item.transferId, fileName);
  try {
    return await request();
  } catch (error) {
    signal.throwIfAborted();
    const fault = toFault(error);
    if (REFUSALS.includes(fault.kind)) return await afterRefusal(to, { item, fileName, before, sent, fault }, signal);
    // The quiet counts from here: the request may have taken a while.
    await note(to, fileName, { kind: 'begun', atMs: clock.now() });
    const found = await findArchive(to, { item, fileNames: [fileName], isBegun: true }, signal);
    if (found === null) throw unclear(fault);
    return found;
  }
}

interface Refusal {
  readonly item: Item;
  readonly fileName: string;
  /** How far the upload was before this submission. */
  readonly before: Standing | null;
  readonly sent: Cookies;
  readonly fault: Fault;
}

/** A submission that was refused says nothing of an earlier one that had no answer: that one is looked for once more. */
async function afterRefusal(
  to: Link,
  { item, fileName, before, sent, fault }: Refusal,
  signal: AbortSignal,
): Promise<Archive> {
  const told = await to.ledger.refused(fault, { stage: 'submit', transferId: item.transferId });
  const standing = before?.kind === 'begun' ? before : ({ kind: 'merged' } as const);
  await note(to, fileName, standing);
  if (fault.kind === 'auth' && (await isReplaced(to.account, sent))) throw changedMeanwhile();
  if (standing.kind !== 'begun' || !OF_THE_VIDEO.includes(fault.kind)) throw told;
  const found = await findArchive(to, { item, fileNames: [fileName], isBegun: true }, signal);
  if (found === null) throw told;
  return found;
}

/** As far as the ledger takes it: what it has still, `begun`, makes nothing happen twice. */
async function note({ ledger }: Link, fileName: string, standing: Standing): Promise<void> {
  await ledger.stand(fileName, standing).catch(() => undefined);
}
