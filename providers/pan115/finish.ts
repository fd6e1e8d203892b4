/** The end of a transfer: OSS puts the file together and calls 115, and 115's word is compared with what it shows. */
import { isOssError } from '#clients/oss/faults.ts';
import { type Completed, completeUpload } from '#clients/oss/multipart.ts';
import { putObject } from '#clients/oss/objects.ts';
import { callbackHeaders, callbackVerdict, type Verdict } from '#clients/pan115/callback.ts';
import type { UploadTicket } from '#clients/pan115/upload.ts';
import { Fault } from '#core/fault.ts';
import type { Item, PartReceipt } from '#core/ports/provider.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import { type Link, settled, sha1Of, standing, told } from './link.ts';
import { uploadOf } from './parts.ts';
import type { FormSession, Pan115Session } from './session.ts';

/**
 * Repeatable at every point. Faults: `gone` when the upload is no more, or 115 found other bytes than were announced; `transient`
 * `pan115.no_verdict` when OSS has the file and nobody knows whether 115 took it, `pan115.not_shown` when it says so and shows none.
 */
export async function finish(
  to: Link,
  session: Pan115Session,
  item: Item,
  receipts: readonly PartReceipt[],
  signal: AbortSignal,
): Promise<Receipt> {
  // To put an empty file twice may make two of them; Complete can be done only once.
  const before = session.kind === 'whole' ? await standing(to, item, session, signal) : null;
  if (before !== null) return before;
  const refused = session.kind === 'form' ? null : await ended(to, session, item, receipts, signal);
  const shown = await settled(to, item, session, signal);
  if (shown !== null) return shown;
  throw (
    refused ??
    new Fault('transient', 'pan115.not_shown', '115 took the file and does not show it yet: it is looked for again')
  );
}

/** Throws Fault `gone` `pan115.content_differs` when 115 says that it took other bytes. */
export function checkVerdict({ sizeBytes, sha1 }: Verdict, item: Item): void {
  if (sizeBytes === item.sizeBytes && sha1 === sha1Of(item)) return;
  throw new Fault('gone', 'pan115.content_differs', '115 took other bytes than we sent: the file is sent again');
}

type ObjectSession = Exclude<Pan115Session, FormSession>;

/** Null when 115 took it; the Fault when that is not known, or when the upload is over, which may be because it did. */
async function ended(
  to: Link,
  session: ObjectSession,
  item: Item,
  receipts: readonly PartReceipt[],
  signal: AbortSignal,
): Promise<Fault | null> {
  const client = await to.bucket(session.bucket, signal);
  try {
    const headers = callbackHeaders(await freshTicket(to, session, item, signal));
    const ending =
      session.kind === 'whole'
        ? putObject(client, { key: session.object, content: '', headers }, signal)
        : completeUpload(client, { ...uploadOf(session), parts: partsOf(receipts), headers }, signal);
    const { callbackAnswer } = await told(signal, ending.catch(overOr));
    checkVerdict(callbackVerdict(callbackAnswer), item);
    return null;
  } catch (error) {
    if (error instanceof Fault && MAY_BE_DONE.has(error.code)) return error;
    throw error;
  }
}

const MAY_BE_DONE: ReadonlySet<string> = new Set(['pan115.session_gone', 'pan115.no_verdict']);

/** The callback that came with the announcement may be too old by now. */
async function freshTicket(
  to: Link,
  { folderId, pickCode, object }: ObjectSession,
  item: Item,
  signal: AbortSignal,
): Promise<UploadTicket> {
  const drive = await to.drive();
  const { sizeBytes } = item;
  const ticket = await drive.resume({ sizeBytes, folderId, pickCode, sha1: sha1Of(item) }, signal);
  if (ticket.object === object) return ticket;
  throw new Fault('gone', 'pan115.object_changed', '115 wants the file under another object: it is sent again');
}

function partsOf(receipts: readonly PartReceipt[]) {
  return receipts.map(({ number, tag }) => ({ number, md5: tag }));
}

function overOr(error: unknown): Completed {
  if (!isOssError(error, 'InvalidPart')) throw error;
  throw new Fault('gone', 'pan115.parts_missing', 'a part is no longer there: the file is sent again');
}
