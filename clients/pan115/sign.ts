/** 115's questions about a file's bytes, as the engine's asks, and the answers back into 115's words. */
import type { DigestAsk } from '#core/wire/digest.ts';
import { unknownShape } from './faults.ts';

/** Of the pre-hash: the first 128 KiB. */
const PRE_HASH_BYTES = 128 * 1024;
const PRE_HASH_ID = 'pre';
/** Of an ask's id. */
const ID_CHARS_MAX = 128;

export interface Signature {
  readonly signKey: string;
  /** SHA-1 of the range, upper-case hex. */
  readonly signVal: string;
}

export interface SignedRound extends Signature {
  /** From 1. */
  readonly round: number;
}

/** What must be asked before the first `init`; null where the digest of the whole says it already. */
export function preHashAsk(sizeBytes: number): DigestAsk | null {
  return sizeBytes <= PRE_HASH_BYTES ? null : { id: PRE_HASH_ID, algorithm: 'sha1', start: 0, end: PRE_HASH_BYTES };
}

/** SHA-1 of the first 128 KiB, upper-case hex, or undefined while it is not known. */
export function preHash(file: {
  readonly sizeBytes: number;
  readonly sha1: string;
  readonly answers: Readonly<Record<string, string>>;
}): string | undefined {
  return (file.sizeBytes <= PRE_HASH_BYTES ? file.sha1 : file.answers[PRE_HASH_ID])?.toUpperCase();
}

/** `signCheck` has both ends inclusive, `2392148-2392298`; the ask is half-open. The id carries what 115 wants to see again. */
export function signAsk(
  { signKey, signCheck }: { readonly signKey: string; readonly signCheck: string },
  { round, sizeBytes }: { readonly round: number; readonly sizeBytes: number },
): DigestAsk {
  const [, first, last] = /^(\d{1,15})-(\d{1,15})$/.exec(signCheck) ?? [];
  const start = Number(first);
  const end = Number(last) + 1;
  const id = `sign.${round}.${signKey}.${signCheck}`;
  if (last === undefined || start >= end || end > sizeBytes || id.length > ID_CHARS_MAX) {
    throw unknownShape('upload/init', `sign_check of ${signCheck.length} characters`);
  }
  return { id, algorithm: 'sha1', start, end };
}

/** The answer to the latest question, for the next `init`; null before the first. */
export function latestSignature(answers: Readonly<Record<string, string>>): SignedRound | null {
  let latest: SignedRound | null = null;
  for (const [id, digest] of Object.entries(answers)) {
    const [, round, signKey] = /^sign\.(\d+)\.(.+)\.\d+-\d+$/.exec(id) ?? [];
    if (signKey === undefined || Number(round) <= (latest?.round ?? 0)) continue;
    latest = { round: Number(round), signKey, signVal: digest.toUpperCase() };
  }
  return latest;
}
