/** The announcement of a file: Bilibili answers where its bytes go, and with what they are vouched for. */
import * as z from 'zod';
import { ask, type BilibiliAccount } from './account.ts';
import { okOf } from './envelope.ts';
import type { Line } from './lines.ts';

export interface Announced {
  readonly name: string;
  readonly sizeBytes: number;
  /** `ugcupos/bup`: the kind of upload. */
  readonly profile: string;
  /** Null: Bilibili chooses. */
  readonly line: Line | null;
}

export interface Reserved {
  /** `//host` or `//host:port`, the chosen one first. */
  readonly endpoints: readonly string[];
  /** `bucket/name.ext`. */
  readonly object: string;
  /** A secret of this object, good for five days. */
  readonly auth: string;
  /** The part's `cid` in a submission. */
  readonly bizId: number;
  readonly chunkBytes: number;
  /** Parts that Bilibili would have under way at once. */
  readonly threads: number;
}

const ENDPOINTS_MAX = 4;
/** The release of Bilibili's page that we speak like. */
const VERSION = { version: '2.14.0', build: '2140000', webVersion: '2.14.0' };

/** Each call is counted against the account, by the file. */
export async function preupload(
  account: BilibiliAccount,
  { name, sizeBytes, profile, line }: Announced,
  signal: AbortSignal,
): Promise<Reserved> {
  const query = { name, size: sizeBytes, r: 'upos', profile, ssl: 0, ...VERSION, ...line?.query };
  const answer = await ask(account, () => ({ method: 'GET', host: 'member', path: '/preupload', query }), signal);
  const told = okOf(answer, { endpoint: 'preupload', asked: 'preupload', schema: PreuploadAnswer });
  return {
    endpoints: [...new Set([told.endpoint, ...told.endpoints])].slice(0, ENDPOINTS_MAX),
    object: told.upos_uri.slice('upos://'.length),
    auth: told.auth,
    bizId: told.biz_id,
    chunkBytes: told.chunk_size,
    threads: told.threads,
  };
}

/** `n240728…`: by this name a submission, and whoever looks for it, knows the upload. */
export function fileNameOf(object: string): string {
  return object.replace(/^.*\//, '').replace(/\.[^.]*$/, '');
}

const endpoint = z.string().regex(/^\/\/[\w.-]{1,128}(:\d{1,5})?$/);

const PreuploadAnswer = z.object({
  endpoint,
  endpoints: z.array(endpoint).catch([]),
  upos_uri: z
    .string()
    .max(256)
    .regex(/^upos:\/\/[\w.-]+(\/[\w.-]+)+$/),
  /** A header's value: printable and in one line. */
  auth: z.string().regex(/^[\x21-\x7e]{1,900}$/),
  biz_id: z.int().min(0),
  chunk_size: z
    .int()
    .min(1)
    .max(256 * 1024 * 1024),
  threads: z.int().min(1).catch(3),
});
