/** A small file of the cookie way, sent whole in one form: 115 has the file as soon as the form has arrived. */
import { sendSample, UNANSWERED } from '#clients/pan115/cookie/sample.ts';
import { Fault } from '#core/fault.ts';
import type { Item, PartBody, PartReceipt } from '#core/ports/provider.ts';
import type { Drive } from './drive.ts';
import { checkVerdict } from './finish.ts';
import { type Link, settled, sha1Of, standing } from './link.ts';
import type { FormSession } from './session.ts';

/** The bucket waits five seconds for 115's answer to its callback, and what 115 took may show five seconds later. */
const LOOK_AGAIN_MS = 10_000;

/**
 * Whether this file may be there before everything about it is checked: when its SHA-1 is all that was claimed, which is compared
 * before the form's end is sent. An empty file has no part to send.
 */
export function goesAsForm({ settings }: Link, { sampleTicket }: Drive, { sizeBytes, digests }: Item): boolean {
  const isSmall = sizeBytes > 0 && sizeBytes <= settings.formBytesMax;
  return sampleTicket !== null && isSmall && Object.keys(digests).every((algorithm) => algorithm === 'sha1');
}

/**
 * Looks before it sends again, for each form makes a file. Throws Fault `transient` `pan115.unanswered` or `pan115.no_verdict` when
 * the file may be there and does not show for five seconds; `rejected` `pan115.digest_mismatch` for other bytes than were announced,
 * of which 115 has no file then.
 */
export async function putForm(
  to: Link,
  session: FormSession,
  item: Item,
  part: PartBody,
  signal: AbortSignal,
): Promise<PartReceipt> {
  signal.throwIfAborted();
  // The folder tells all that `finish` asks.
  const receipt = { number: part.number, tag: '' };
  const isThere = !to.untried.take(session) && (await standing(to, item, session, signal)) !== null;
  if (isThere) return receipt;
  try {
    await send(to, session, item, part, signal);
    return receipt;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Fault) || !MAY_BE_THERE.has(error.code)) throw error;
    if (await isShown(to, session, item, signal)) return receipt;
    const { kind, code, message, cause } = error;
    throw new Fault(kind, code, message, { cause, retryAfterMs: LOOK_AGAIN_MS });
  }
}

const MAY_BE_THERE: ReadonlySet<string> = new Set([UNANSWERED, 'pan115.no_verdict']);

async function send(to: Link, session: FormSession, item: Item, part: PartBody, signal: AbortSignal): Promise<void> {
  const { sampleTicket } = await to.drive();
  if (sampleTicket === null) {
    const text = 'another login has taken the place of the cookie: the file is sent its way';
    throw new Fault('gone', 'pan115.session_gone', text);
  }
  const { name, folderId } = session;
  const { sizeBytes } = item;
  const ticket = await sampleTicket({ name, sizeBytes, folderId }, signal);
  const verdict = await sendSample(ticket, { name, sizeBytes, sha1: sha1Of(item), open: () => part.open() }, signal);
  checkVerdict(verdict, item);
}

/** A look that fails says as little as the form's answer did. */
async function isShown(to: Link, session: FormSession, item: Item, signal: AbortSignal): Promise<boolean> {
  try {
    return (await settled(to, item, session, signal)) !== null;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Fault) return false;
    throw error;
  }
}
