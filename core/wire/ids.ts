/** Ids that cross the wire. Branded, so that a function taking two of them cannot be given them the wrong way round. */
import * as z from 'zod';

/** `upl_` + 26 characters of Crockford base32: a ULID, or for inbox objects a hash of bucket, key, version and time. */
export const UploadId = z
  .string()
  .regex(/^upl_[0-9A-HJKMNP-TV-Z]{26}$/, 'not an upload id')
  .brand<'UploadId'>();
export type UploadId = z.infer<typeof UploadId>;

/** `trf_` + 26 characters of Crockford base32. */
export const TransferId = z
  .string()
  .regex(/^trf_[0-9A-HJKMNP-TV-Z]{26}$/, 'not a transfer id')
  .brand<'TransferId'>();
export type TransferId = z.infer<typeof TransferId>;

/** A destination's id is chosen by the person who adds it: it is part of inbox keys, so it stays plain ASCII. */
export const DestinationId = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$/, 'use 1 to 64 of a-z, 0-9, - and _')
  .brand<'DestinationId'>();
export type DestinationId = z.infer<typeof DestinationId>;

/** `lnk_` + a ULID. */
export const LinkId = z
  .string()
  .regex(/^lnk_[0-9A-HJKMNP-TV-Z]{26}$/, 'not a link id')
  .brand<'LinkId'>();
export type LinkId = z.infer<typeof LinkId>;

/** Who owns an upload. On one machine there is one owner, `local`. */
export const OwnerId = z.string().min(1).max(128).brand<'OwnerId'>();
export type OwnerId = z.infer<typeof OwnerId>;
