/** The end of a transfer: under its name at once and whole, and compared with what was sent. */
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { refusalOf } from '#clients/s3/refusal.ts';
import type { Item, PartReceipt } from '#core/ports/provider.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import { completeUpload } from './complete.ts';
import { expectationOf, gradeOf, isAsSent } from './evidence.ts';
import { contentDiffers, nameTaken, s3Fault, sessionGone } from './faults.ts';
import type { Link } from './link.ts';
import { look, markOf, removeDamaged, type Seen, type Standing } from './objects.ts';
import { receiptFor } from './receipt.ts';
import type { EmptySession, PartsSession } from './session.ts';
import { parseTag } from './tags.ts';
import { abortUpload } from './uploads.ts';

/**
 * Repeatable at every point: an object of this transfer is known by the mark that it carries. Faults: `gone` when the upload is
 * no more and no object of ours stands there, when the name has been taken, or when the object is not what was sent.
 */
export async function finishParts(
  link: Link,
  session: PartsSession,
  item: Item,
  receipts: readonly PartReceipt[],
  signal: AbortSignal,
): Promise<Receipt> {
  const key = link.keyOf(item, session.n);
  const parts = receipts.map(({ number, tag }) => ({ number, ...parseTag(tag) }));
  const claim = expectationOf(session, item, parts);
  const seen = await made();
  if (!isAsSent(claim, seen)) {
    await removeDamaged(link, item, key, signal);
    throw contentDiffers();
  }
  return receiptFor(link, session, item, key, seen);

  async function made(): Promise<Seen> {
    const before = await standingBefore(link, item, key, signal);
    if (before?.isOurs) {
      await abortUpload(link, key, session.uploadId, signal);
      return before;
    }
    if (before !== null) return taken();
    const completion = await completeUpload(link, { key, session, parts, claim }, signal);
    // Where nothing but the size can be compared, the store has to be asked for it.
    if (completion.kind === 'made' && gradeOf(session, completion.seen).evidence !== 'C') return completion.seen;
    const after = await look(link, item, key, signal);
    // A lost reply, or one that was repeated on the way: the end that we do not know of was our own.
    if (after?.isOurs) return after;
    // A store that keeps no marks: by its ETag it is the one that was just made.
    if (completion.kind === 'made' && after !== null && after.etag === completion.seen.etag) return after;
    return completion.kind === 'taken' ? taken() : goneSince();
  }

  async function taken(): Promise<never> {
    const { onConflict } = link.settings;
    const fault = nameTaken(onConflict === 'fail' ? 'fail' : 'rename');
    if (fault.kind === 'gone') await abortUpload(link, key, session.uploadId, signal);
    throw fault;
  }
}

/** Two requests; safe to repeat. */
export async function finishEmpty(
  link: Link,
  session: EmptySession,
  item: Item,
  signal: AbortSignal,
): Promise<Receipt> {
  const key = link.keyOf(item, session.n);
  const { onConflict } = link.settings;
  const before = await standingBefore(link, item, key, signal);
  if (before !== null && !before.isOurs) throw nameTaken(onConflict === 'fail' ? 'fail' : 'rename');
  if (before === null) await putEmpty(link, item, key, signal);
  const after = before ?? (await look(link, item, key, signal));
  if (after?.isOurs) return receiptFor(link, session, item, key, after);
  if (onConflict === 'replace') return goneSince();
  throw nameTaken(onConflict);
}

/** What may not be replaced. Asked also where the store knows conditions: not all that accept one keep it. */
async function standingBefore(link: Link, item: Item, key: string, signal: AbortSignal): Promise<Standing | null> {
  return link.settings.onConflict === 'replace' ? null : look(link, item, key, signal);
}

async function putEmpty(link: Link, item: Item, key: string, signal: AbortSignal): Promise<void> {
  const mayReplace = link.settings.onConflict === 'replace' || link.learnt.conditionsAreRefused;
  const command = new PutObjectCommand({
    Bucket: link.bucket,
    Key: key,
    Body: '',
    ContentLength: 0,
    ...(item.contentType === undefined ? {} : { ContentType: item.contentType }),
    Metadata: markOf(item.transferId),
    ...(mayReplace ? {} : { IfNoneMatch: '*' }),
  });
  try {
    await link.call(signal, (client, http) => client.send(command, http));
  } catch (error) {
    signal.throwIfAborted();
    const { status, name } = refusalOf(error);
    // What stands there is looked at next: it may be our own, of a reply that was lost.
    if (status === 412) return;
    if (mayReplace || !(status === 501 || name === 'InvalidArgument')) throw s3Fault(error, 'putting the empty object');
    link.learnt.conditionsAreRefused = true;
    await putEmpty(link, item, key, signal);
  }
}

function goneSince(): never {
  throw sessionGone();
}
