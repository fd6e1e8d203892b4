/** Small files in one form, without a digest beforehand: 115 cannot have them already, and they cannot be resumed. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { callbackVerdict, type Verdict } from '../callback.ts';
import { parsed } from '../envelope.ts';
import { send } from '../http.ts';
import { targetOf } from '../upload.ts';
import { askJson, type CookieAccount } from './api.ts';
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

/** The whole file is held in memory, twice for a moment. */
export const SAMPLE_BYTES_MAX = 8 * 1024 * 1024;

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

/** Sends the file, at most `SAMPLE_BYTES_MAX`, and reads 115's verdict. The bucket does not count against the account's pace. */
export async function sendSample(
  ticket: SampleTicket,
  { name, bytes }: { readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> },
  signal: AbortSignal,
): Promise<Verdict> {
  const form = new FormData();
  form.set('name', name);
  form.set('key', ticket.object);
  form.set('policy', ticket.policy);
  form.set('OSSAccessKeyId', ticket.accessKeyId);
  form.set('success_action_status', '200');
  form.set('callback', ticket.callback);
  form.set('signature', ticket.signature);
  // The bucket reads no field behind the file.
  form.set('file', new Blob([bytes]), name);
  const answer = await send({ method: 'POST', url: ticket.host, body: form }, signal);
  // 203: the bucket has it, and 115 was not reached.
  if (answer.status !== 200 && answer.status !== 203) {
    const said = `115's bucket did not take the file (HTTP ${answer.status})`;
    throw new Fault('transient', 'pan115.unavailable', `${said}: it is tried again`);
  }
  return callbackVerdict(answer.bytes.toString('utf8'));
}

function ticketIn(told: unknown): SampleTicket {
  throwRefusal(told, 'sampleinitupload');
  const { host, object, accessid: accessKeyId, policy, signature, callback } = parsed(Ticket, told, 'sampleinitupload');
  return { host, object, accessKeyId, policy, signature, callback };
}

const Ticket = z.object({
  host: z.url({ protocol: /^https?$/ }),
  object: z.string().min(1),
  accessid: z.string().min(1),
  policy: z.string().min(1),
  signature: z.string().min(1),
  callback: z.string().min(1),
});
