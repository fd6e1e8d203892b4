/** The end of a transfer: the parts are put together, and what they are becomes an archive, once. */
import { csrfOf } from '#clients/bilibili/cookies.ts';
import { CSRF_REFUSED } from '#clients/bilibili/faults.ts';
import { fileNameOf } from '#clients/bilibili/preupload.ts';
import { type Archive, submit } from '#clients/bilibili/submit.ts';
import { completeUpload } from '#clients/bilibili/upos.ts';
import { Fault, type FaultKind, toFault } from '#core/fault.ts';
import type { Item, PartReceipt } from '#core/ports/provider.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import { type Link, uploadOf } from './link.ts';
import { findArchive } from './look.ts';
import type { BilibiliSession } from './session.ts';
import { wordsFor } from './video.ts';

/** How long a submission without an answer is left alone: the list of archives may lag. */
const QUIET_MS = 2 * 60_000;
/** After these Bilibili has made no archive. */
const REFUSALS: readonly FaultKind[] = ['rejected', 'throttled', 'risk', 'auth', 'gone'];

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
  await to.ledger.mustBeAwake(item.transferId);
  const found = await findArchive(to, { item, fileName, standing }, signal);
  const archive = found ?? (await submitOnce(to, session, item, signal));
  await to.ledger.stand(fileName, { kind: 'done', archive });
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
  const { transferId } = item;
  const fileName = fileNameOf(session.object);
  const words = wordsFor(item, to.settings);
  const before = await ledger.standing(fileName);
  if (before?.kind === 'begun' && clock.now() < before.atMs + QUIET_MS) throw unclear();
  await ledger.takeSubmission(transferId, fileName);
  const csrf = csrfOf(await account.cookies());
  try {
    const archive = await submit(account, { fileName, cid: session.bizId, words, nowMs: clock.now() }, signal);
    await ledger.answered('submit');
    return archive;
  } catch (error) {
    signal.throwIfAborted();
    const fault = toFault(error);
    if (REFUSALS.includes(fault.kind)) {
      await ledger.stand(fileName, { kind: 'merged' });
      if (fault.code === CSRF_REFUSED && csrf !== csrfOf(await account.cookies())) throw changedMeanwhile();
      throw await ledger.refused(fault, { stage: 'submit', transferId });
    }
    const standing = { kind: 'begun', atMs: clock.now() } as const;
    const found = await findArchive(to, { item, fileName, standing }, signal);
    if (found === null) throw unclear(fault);
    return found;
  }
}

function unclear(cause?: Fault): Fault {
  const text = 'nobody knows yet whether Bilibili took the submission: it is looked for before it is sent again';
  return new Fault('transient', 'bilibili.submit_unclear', text, { cause, retryAfterMs: QUIET_MS });
}

function changedMeanwhile(): Fault {
  return new Fault('transient', 'bilibili.login_renewed', 'Bilibili has just renewed the login: it is tried again');
}
