/** What a transfer to 115 needs to remember: no keys, and no callback, for 115 gives fresh ones. */
import * as z from 'zod';

const text = z.string().min(1).max(512);

const place = {
  v: z.literal(1),
  folderId: z.string().regex(/^\d{1,32}$/),
  /** As 115 has it. */
  name: text,
  /** Of the whole file: where the client did not bring it, only the opening is told what it came to. */
  sha1: z.string().regex(/^[0-9a-f]{40}$/),
};

const announcedPlace = {
  ...place,
  pickCode: text,
  bucket: text,
  object: text,
};

export type PartsSession = z.infer<typeof PartsSession>;
const PartsSession = z.object({ ...announcedPlace, kind: z.literal('parts'), uploadId: z.string().min(1).max(256) });

/** An empty file has no parts, and a multipart upload needs one: it is put at the end, in one request. */
const WholeSession = z.object({ ...announcedPlace, kind: z.literal('whole') });

/** A small file of the cookie way: its only part is a form, and a file as soon as 115 has it. Each form has a ticket of its own. */
export type FormSession = z.infer<typeof FormSession>;
const FormSession = z.object({ ...place, kind: z.literal('form') });

export type Pan115Session = z.infer<typeof Pan115Session>;
export const Pan115Session = z.discriminatedUnion('kind', [PartsSession, WholeSession, FormSession]);
