/** What 115 answers to the announcement of a file, over either way in. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { unknownShape } from './faults.ts';
import { firstOf, looseInt, looseText } from './loose.ts';
import type { Signature } from './sign.ts';

export interface Announcement {
  readonly name: string;
  readonly sizeBytes: number;
  /** `0` is the root. */
  readonly folderId: string;
  /** Of the whole file, any case. */
  readonly sha1: string;
  /** SHA-1 of the first 128 KiB, upper-case hex. */
  readonly preHash?: string | undefined;
  readonly signature?: Signature | undefined;
}

/** Where the bytes go, and whom OSS calls when it has them. */
export interface UploadTicket {
  readonly pickCode: string;
  readonly bucket: string;
  readonly object: string;
  /** The exact JSON texts that 115 gave: what it signs off is these bytes. */
  readonly callback: string;
  readonly callbackVar: string;
}

/**
 * `instant`: 115 has these bytes, `fileId` may be empty · `sign`: it wants the SHA-1 of a range first, both ends inclusive ·
 * `refused`: it takes no signature for this file (any more)
 */
export type InitAnswer =
  | { readonly kind: 'instant'; readonly fileId: string; readonly pickCode: string }
  | { readonly kind: 'sign'; readonly signKey: string; readonly signCheck: string }
  | { readonly kind: 'upload'; readonly ticket: UploadTicket }
  | { readonly kind: 'refused'; readonly fault: Fault };

/** Where an upload goes: a folder of the account's own drive. */
export function targetOf(folderId: string): string {
  return `U_1_${folderId}`;
}

const optionalText = looseText.optional().catch('');

const Callback = firstOf(z.object({ callback: z.string().min(2), callback_var: z.string().min(2) }).optional()).catch(
  undefined,
);

const TicketFields = {
  bucket: optionalText,
  object: optionalText,
  callback: Callback,
  pick_code: optionalText,
  pickcode: optionalText,
};

export const InitData = firstOf(
  z.object({
    ...TicketFields,
    status: looseInt,
    file_id: optionalText,
    fileid: optionalText,
    sign_key: optionalText,
    sign_check: optionalText,
  }),
);
export type InitData = z.infer<typeof InitData>;

export const ResumeData = firstOf(z.object(TicketFields));
export type ResumeData = z.infer<typeof ResumeData>;

export function initAnswer(data: InitData): InitAnswer {
  const { status, sign_key: signKey = '', sign_check: signCheck = '' } = data;
  if (status === 2)
    return { kind: 'instant', fileId: data.file_id ?? '', pickCode: data.pick_code || data.pickcode || '' };
  if (status === 1) return { kind: 'upload', ticket: ticketOf(data) };
  // 6, 7 and 8 are told apart differently by every client: what counts is whether a range is asked for.
  if (status !== 6 && status !== 7 && status !== 8) throw unknownShape('upload/init', `status ${status}`);
  if (signKey !== '' && signCheck !== '') return { kind: 'sign', signKey, signCheck };
  const text = '115 does not accept the digest of this file: check that it has not changed, then send it again';
  return { kind: 'refused', fault: new Fault('rejected', 'pan115.signature_refused', `${text} (status ${status})`) };
}

export function ticketOf({ bucket, object, callback, pick_code, pickcode }: ResumeData): UploadTicket {
  const pickCode = pick_code || pickcode || '';
  if (!bucket || !object || callback === undefined || pickCode === '')
    throw unknownShape('upload', 'bucket or callback');
  return { pickCode, bucket, object, callback: callback.callback, callbackVar: callback.callback_var };
}
