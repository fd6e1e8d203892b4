/**
 * Links: addresses by which people without an account hand in files. The owner's side is `/api/v1/links`; theirs is `/api/v1/drop`,
 * with the secret of the address (`…/#drop=<secret>`) as the bearer token, and `SENDER_HEADER` on every call about an upload.
 */
import * as z from 'zod';
import { DestinationId, LinkId } from './ids.ts';
import { CreateUpload, FileName, FolderPath } from './upload.ts';

/** Tells senders of one link apart: a `SenderId`, which a browser makes once and keeps. */
export const SENDER_HEADER = 'x-entrepot-sender';
/** The name in the fragment of an address: `#drop=<secret>`. */
export const DROP_FRAGMENT = 'drop';

export const LINK_DAYS_DEFAULT = 14;
export const LINK_DAYS_MAX = 366;
const LINK_FILES_MAX = 1_000_000;
/** Uploads of one link that are under way at once: more answer 429 `link.busy` until some are whole, or given up. */
export const LINK_OPEN_MAX = 200;
const LINK_BYTES_MAX = 1024 ** 5;

/** The link's id without its prefix, and 192 random bits. */
export const LinkSecret = z.string().regex(/^[0-9A-HJKMNP-TV-Z]{26}\.[A-Za-z0-9_-]{32}$/, 'not the secret of a link');

/** Random, 128 bits or more: whoever has it and the link reads and cancels these uploads. */
export const SenderId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{22,64}$/, 'a sender is named by 22 to 64 letters, digits, - and _');

/** Each is a call to some destinations: nobody who has a link makes the owner's account ask hundreds of times for one file. */
const FOLDERS_DEEP_MAX = 32;
/** Folders below the sender's, of a directory that is handed in as a whole. */
const Below = FolderPath.refine(
  (path) => path.split('/').length - 1 <= FOLDERS_DEEP_MAX,
  `at most ${FOLDERS_DEEP_MAX} folders deep`,
);

/** As typed; also the name of a folder. */
export const SenderName = z
  .string()
  .normalize()
  .trim()
  .max(80)
  .pipe(FileName)
  .describe('the name that a sender typed; with `perSender: folder` a folder of this name gets the files');

/** Ends of names, compared without regard to case: `.mp4`. */
const Suffixes = z
  .array(
    z
      .string()
      .toLowerCase()
      .regex(/^(?:\.[a-z0-9]{1,16}){1,2}$/, 'a suffix is a dot and letters or digits: .mp4'),
  )
  .min(1)
  .max(32);

/** `folder`: the files of a sender go into a folder of the name that they typed. `flat`: all into the same one. */
export const PerSender = z.enum(['folder', 'flat']);
export type PerSender = z.infer<typeof PerSender>;

const Places = z
  .array(z.object({ id: DestinationId, path: FolderPath.default('/') }))
  .min(1)
  .max(8);
const Name = z.string().trim().min(1).max(80).describe('shown to those who have the link');
const Note = z.string().trim().max(500).describe('plain text, shown to those who have the link');
const Files = z.int().min(1).max(LINK_FILES_MAX);
const Bytes = z.int().min(1).max(LINK_BYTES_MAX);

export const CreateLink = z.object({
  name: Name,
  note: Note.default(''),
  destinations: Places,
  expiresAt: z.iso.datetime().optional().describe('at most 366 days from now; absent: in 14 days'),
  filesMax: Files.nullable().default(null),
  bytesMax: Bytes.nullable().default(null).describe('of all files together'),
  fileBytesMax: Bytes.nullable().default(null).describe('of each file'),
  suffixes: Suffixes.nullable().default(null),
  perSender: PerSender.default('folder'),
});
export type CreateLink = z.input<typeof CreateLink>;

/** What is absent stays; null takes a limit away. Files that were announced already go where they were bound. */
export const UpdateLink = z.object({
  name: Name.optional(),
  note: Note.optional(),
  destinations: Places.optional(),
  expiresAt: z.iso.datetime().optional(),
  filesMax: Files.nullable().optional(),
  bytesMax: Bytes.nullable().optional(),
  fileBytesMax: Bytes.nullable().optional(),
  suffixes: Suffixes.nullable().optional(),
  perSender: PerSender.optional(),
});
export type UpdateLink = z.input<typeof UpdateLink>;

/** The first that holds of `revoked`, `expired`, `full`; else `active`. */
export const LinkState = z.enum(['active', 'expired', 'full', 'revoked']);
export type LinkState = z.infer<typeof LinkState>;

export const LinkView = z.object({
  id: LinkId,
  name: z.string(),
  note: z.string(),
  destinations: z.array(z.object({ id: z.string(), path: z.string() })),
  state: LinkState,
  filesMax: z.int().nullable(),
  bytesMax: z.int().nullable(),
  fileBytesMax: z.int().nullable(),
  suffixes: z.array(z.string()).nullable(),
  perSender: PerSender,
  /** Files and bytes that count against the limits: those that are whole, and those under way. */
  filesUsed: z.int().min(0),
  bytesUsed: z.int().min(0),
  /** Of them: uploads that are not whole yet. */
  filesOpen: z.int().min(0),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  /** When a file was last announced by it; null: never. */
  lastUsedAt: z.iso.datetime().nullable(),
  revokedAt: z.iso.datetime().nullable(),
});
export type LinkView = z.infer<typeof LinkView>;

/** The newest first, at most 256. */
export const LinkList = z.object({ items: z.array(LinkView) });
export type LinkList = z.infer<typeof LinkList>;

/** The answer of `POST /api/v1/links` and of `POST /api/v1/links/{id}/rotate`: the only ones that tell the address. */
export const LinkWithUrl = z.object({ link: LinkView, url: z.string() });
export type LinkWithUrl = z.infer<typeof LinkWithUrl>;

/** What whoever has the link may know of it: `GET /api/v1/drop`. */
export const DropView = z.object({
  name: z.string(),
  note: z.string(),
  /** A revoked link is not told from one that never was: 401 `link.revoked`. */
  state: z.enum(['active', 'expired', 'full']),
  expiresAt: z.iso.datetime(),
  filesMax: z.int().nullable(),
  bytesMax: z.int().nullable(),
  fileBytesMax: z.int().nullable(),
  suffixes: z.array(z.string()).nullable(),
  /** Null: there is no limit. */
  filesLeft: z.int().min(0).nullable(),
  bytesLeft: z.int().min(0).nullable(),
  /** Whether a sender must give a name. */
  senderName: z.enum(['required', 'optional']),
});
export type DropView = z.infer<typeof DropView>;

/**
 * `POST /api/v1/drop/uploads`, with an `idempotency-key` header, which is required. It answers a `CreateUploadAnswer`, and the routes
 * below `/api/v1/drop/uploads/{id}` answer as the owner's do: read, `sign`, `complete`, DELETE. There are no digests, and so no
 * `asks`. Of a transfer they tell phase and bytes: `destinationId` is `link`, `path` `/`, there is no receipt, and an error is
 * always `link.delivery_failed`.
 */
export const CreateDropUpload = CreateUpload.omit({ destinations: true, digests: true }).extend({
  senderName: SenderName.optional(),
  folder: Below.default('/'),
});
export type CreateDropUpload = z.input<typeof CreateDropUpload>;
