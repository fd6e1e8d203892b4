/** Small files in one form. 115 is told no digest of them: it takes what comes, at once, and they cannot be resumed. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { callbackVerdict, type Verdict } from '../callback.ts';
import { parsed } from '../envelope.ts';
import { type HttpAnswer, send } from '../http.ts';
import { overTls } from '../oss-token.ts';
import { targetOf } from '../upload.ts';
import { askJson, type CookieAccount } from './api.ts';
import { type FormFile, formWith } from './form.ts';
import { throwRefusal } from './refusals.ts';

/** What the form must hold so that 115's bucket takes it. A secret. */
export interface SampleTicket {
  readonly host: string;
  readonly object: string;
  readonly accessKeyId: string;
  readonly policy: string;
  readonly signature: string;
  readonly callback: string;
}

/** A form that breaks off is sent again from its first byte, so it must be short; 115 itself takes 5 GiB. */
export const SAMPLE_BYTES_MAX = 8 * 1024 * 1024;

/** The bucket has the whole form, and nobody knows whether 115 took the file. */
export const UNANSWERED = 'pan115.unanswered';

/** For `SAMPLE_BYTES_MAX` at 35 KiB a second. */
const SEND_TIMEOUT_MS = 240_000;

export async function initSample(
  account: CookieAccount,
  file: { readonly name: string; readonly sizeBytes: number; readonly folderId: string },
  signal: AbortSignal,
): Promise<SampleTicket> {
  const fields = {
    userid: account.cookie.userId,
    filename: file.name,
    filesize: file.sizeBytes,
    target: targetOf(file.folderId),
  };
  const url = `${account.hosts.upload}/3.0/sampleinitupload.php`;
  return askJson(account, { method: 'POST', url, fields, read: ticketIn }, signal);
}

/**
 * Streams the file, and reads 115's verdict out of the bucket's answer. Each call that is answered makes a file of its own. Rejects
 * with the signal's reason, with what the file's stream failed with, and with Faults: those of `formWith` and `callbackVerdict`,
 * `transient` `pan115.unanswered` when the file may be there, `pan115.unavailable` when it is not. The bucket does not count
 * against the account's pace.
 */
export async function sendSample(ticket: SampleTicket, file: FormFile, signal: AbortSignal): Promise<Verdict> {
  signal.throwIfAborted();
  const fields = {
    name: file.name,
    key: ticket.object,
    policy: ticket.policy,
    OSSAccessKeyId: ticket.accessKeyId,
    success_action_status: '200',
    callback: ticket.callback,
    signature: ticket.signature,
  };
  const form = await formWith(fields, file);
  try {
    const headers = { 'content-type': form.contentType };
    const request = { method: 'POST', url: ticket.host, headers, body: form.body, timeoutMs: SEND_TIMEOUT_MS } as const;
    const answer = await send(request, signal);
    throwUntaken(answer);
    return callbackVerdict(answer.bytes.toString('utf8'));
  } catch (error) {
    signal.throwIfAborted();
    const failure = form.failure();
    if (failure !== null) throw failure;
    const isUnsaid = error instanceof Fault && error.code === 'pan115.unavailable';
    throw isUnsaid && form.isWhole() ? unanswered(error) : error;
  } finally {
    form.close();
  }
}

/** 203: the bucket has it, and 115 was not reached. */
function throwUntaken({ status }: HttpAnswer): void {
  if (status === 200 || status === 203) return;
  const text = `115's bucket did not take the file (HTTP ${status}): it is tried again`;
  throw new Fault('transient', status >= 500 ? 'pan115.unavailable' : 'pan115.form_refused', text);
}

function unanswered(cause: Fault): Fault {
  const text = 'the file was sent to 115, and whether it was taken was not said: its folder is looked at';
  return new Fault('transient', UNANSWERED, text, { cause });
}

function ticketIn(told: unknown): SampleTicket {
  throwRefusal(told, 'sampleinitupload');
  const { host, object, accessid: accessKeyId, policy, signature, callback } = parsed(Ticket, told, 'sampleinitupload');
  return { host: overTls(host), object, accessKeyId, policy, signature, callback };
}

const Ticket = z.object({
  host: z.url({ protocol: /^https?$/ }),
  object: z.string().min(1),
  accessid: z.string().min(1),
  policy: z.string().min(1),
  signature: z.string().min(1),
  callback: z.string().min(1),
});
