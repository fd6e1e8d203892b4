/** The end of a transfer: the parts are put together, and what they are becomes an archive, once. */
import { csrfOf } from '#clients/bilibili/cookies.ts';
import { CSRF_REFUSED } from '#clients/bilibili/faults.ts';
import { fileNameOf } from '#clients/bilibili/preupload.ts';
import { type Archive, submit } from '#clients/bilibili/submit.ts';
import { completeUpload } from '#clients/bilibili/upos.ts';
import { Fault, type FaultKind, toFault } from '#core/fault.ts';
import type { Item, PartReceipt } from '#core/ports/provider.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import type { Standing } from './ledger.ts';
import { type Link, uploadOf } from './link.ts';
import { findArchive } from './look.ts';
import type { BilibiliSession } from './session.ts';
import { wordsFor } from './video.ts';

/** How long a submission without an answer is left alone: the list of archives may lag. */
const QUIET_MS = 2 * 60_000;
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
  const found = await findArchive(to, { item, fileName, standing }, signal);
  const archive = found ?? (await submitOnce(to, session, item, signal));
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

async function submitOnce(to: Link, session: BilibiliSession, item: Item, signal: AbortSignal): Promise<Archive> {
  const { ledger, clock, account } = to;
  const fileName = fileNameOf(session.object);
  const words = wordsFor(item, to.settings);
  const before = await ledger.standing(fileName);
  if (before?.kind === 'begun' && clock.now() < before.atMs + QUIET_MS) throw unclear();
  const csrf = csrfOf(await account.cookies());
  await ledger.takeSubmission(item.transferId, fileName);
  try {
    return await submit(account, { fileName, cid: session.bizId, words, nowMs: clock.now() }, signal);
  } catch (error) {
    signal.throwIfAborted();
    const fault = toFault(error);
    if (REFUSALS.includes(fault.kind)) return await afterRefusal(to, { item, fileName, before, csrf, fault }, signal);
    // The quiet counts from here: the request may have taken a while.
    const standing = { kind: 'begun', atMs: clock.now() } as const;
    await note(to, fileName, standing);
    const found = await findArchive(to, { item, fileName, standing }, signal);
    if (found === null) throw unclear(fault);
    return found;
  }
}

interface Refusal {
  readonly item: Item;
  readonly fileName: string;
  /** How far the upload was before this submission. */
  readonly before: Standing | null;
  /** What was sent. */
  readonly csrf: string;
  readonly fault: Fault;
}

/** A submission that was refused says nothing of an earlier one that had no answer: that one is looked for once more. */
async function afterRefusal(
  to: Link,
  { item, fileName, before, csrf, fault }: Refusal,
  signal: AbortSignal,
): Promise<Archive> {
  const told = await to.ledger.refused(fault, { stage: 'submit', transferId: item.transferId });
  const standing = before?.kind === 'begun' ? before : ({ kind: 'merged' } as const);
  await note(to, fileName, standing);
  if (fault.code === CSRF_REFUSED && csrf !== csrfOf(await to.account.cookies())) throw changedMeanwhile();
  if (standing.kind !== 'begun' || !OF_THE_VIDEO.includes(fault.kind)) throw told;
  const found = await findArchive(to, { item, fileName, standing }, signal);
  if (found === null) throw told;
  return found;
}

/** As far as the ledger takes it: what it has still, `begun`, makes nothing happen twice. */
async function note({ ledger }: Link, fileName: string, standing: Standing): Promise<void> {
  await ledger.stand(fileName, standing).catch(() => undefined);
}

function unclear(cause?: Fault): Fault {
  const text = 'nobody knows yet whether Bilibili took the submission: it is looked for before it is sent again';
  return new Fault('transient', 'bilibili.submit_unclear', text, { cause, retryAfterMs: QUIET_MS });
}

function changedMeanwhile(): Fault {
  return new Fault('transient', 'bilibili.login_renewed', 'Bilibili has just renewed the login: it is tried again');
}
