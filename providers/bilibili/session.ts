/** What an upload to Bilibili needs to remember. `auth` vouches for this object alone. */
import * as z from 'zod';

export type BilibiliSession = z.infer<typeof BilibiliSession>;
export const BilibiliSession = z.object({
  v: z.literal(1),
  /** `//host`: all parts go to the server that began the upload. */
  endpoint: z.string().min(3).max(160),
  /** `bucket/name.ext`. */
  object: z.string().min(3).max(256),
  auth: z.string().min(1).max(900),
  bizId: z.int().min(0),
  uploadId: z.string().min(1).max(256),
  chunkBytes: z.int().min(1),
  threads: z.int().min(1).max(8),
  /** As it was announced. */
  profile: z.string().max(40),
  openedAtMs: z.int(),
});

/** Bilibili stops taking parts of an upload then. */
export const SESSION_MS = 5 * 24 * 60 * 60_000;
