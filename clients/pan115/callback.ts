/** The callback with which an upload ends: OSS calls 115, and 115's answer comes back as OSS's own. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { refusalFault } from './faults.ts';
import { looseInt, looseJson, looseSize, looseText, looseTruth } from './loose.ts';
import type { UploadTicket } from './upload.ts';

export interface Verdict {
  readonly fileId: string;
  readonly pickCode: string;
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha1: string;
}

/** Headers of the last request to OSS. The texts go as they came: OSS fills in `${…}`, not we. */
export function callbackHeaders({ callback, callbackVar }: Pick<UploadTicket, 'callback' | 'callbackVar'>): {
  readonly 'x-oss-callback': string;
  readonly 'x-oss-callback-var': string;
} {
  return { 'x-oss-callback': base64(callback), 'x-oss-callback-var': base64(callbackVar) };
}

/**
 * Reads the body of OSS's answer. Its HTTP status says nothing: a refusal also comes with 200. Throws the refusal's Fault, or
 * Fault `transient` `pan115.no_verdict` when there is none to read: then the folder must be asked.
 */
export function callbackVerdict(body: string): Verdict {
  const answer = Answer.safeParse(jsonOr(body));
  if (!answer.success) throw noVerdict('OSS has the file, and 115 has not said whether it took it');
  const { state, code, errno, message, error } = answer.data;
  if (!state) throw refusalFault({ number: code || errno || 0, message: message || error || '' });
  const data = File.safeParse(answer.data.data);
  if (!data.success) throw noVerdict('115 took the file without saying under which id');
  const { file_id: fileId, pick_code: pickCode, file_size: sizeBytes, sha1 } = data.data;
  return { fileId, pickCode, sizeBytes, sha1: sha1.toLowerCase() };
}

const Answer = z.object({
  state: looseTruth,
  code: looseInt.optional().catch(0),
  errno: looseInt.optional().catch(0),
  message: looseText.optional().catch(''),
  error: looseText.optional().catch(''),
  data: z.unknown(),
});

const File = z.object({
  file_id: looseText.refine((id) => id !== ''),
  pick_code: z.string().min(1),
  file_size: looseSize,
  sha1: z.string().regex(/^[0-9a-fA-F]{40}$/),
});

function noVerdict(text: string): Fault {
  return new Fault('transient', 'pan115.no_verdict', `${text}: its folder is looked at`);
}

function jsonOr(body: string): unknown {
  try {
    return looseJson(body);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
