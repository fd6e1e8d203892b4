/** Creating, staging and reading uploads: `POST /api/v1/uploads` and its neighbours. */
import * as z from 'zod';
import { DigestAsk, Digests } from './digest.ts';
import { UploadId } from './ids.ts';
import { TransferView } from './transfer.ts';

/** No store takes more than 10,000 parts or objects of this size: 48.8 TiB, the largest object S3 documents. */
const MAX_SIZE_BYTES = 53_687_091_200_000;

/** A file name: no separators, no control characters, at most 255 bytes of UTF-8 (what ext4, NTFS and 115 share). */
export const FileName = z
  .string()
  .min(1)
  .refine((name) => new TextEncoder().encode(name).length <= 255, 'a name has at most 255 bytes of UTF-8')
  .refine((name) => !name.includes('/') && !hasControls(name), 'a name has no / and no control characters')
  .refine((name) => name !== '.' && name !== '..', 'a name is not . or ..')
  .refine((name) => name.isWellFormed(), 'a name is well-formed Unicode');

/** A folder at the destination: `/影视/2025`. Normalised to one leading slash, none trailing; `/` is the root. */
export const FolderPath = z
  .string()
  .refine((path) => new TextEncoder().encode(path).length <= 1024, 'a path has at most 1024 bytes of UTF-8')
  .transform((path) => `/${path.split('/').filter(Boolean).join('/')}`)
  .refine(
    (path) =>
      path === '/' ||
      path
        .slice(1)
        .split('/')
        .every((name) => FileName.safeParse(name).success),
    'every folder of a path is a valid name',
  );

export const CreateUpload = z.object({
  name: FileName,
  sizeBytes: z.int().min(0).max(MAX_SIZE_BYTES),
  contentType: z
    .string()
    .max(255)
    .regex(/^[\x20-\x7e]*$/, 'a content type is plain ASCII')
    .optional(),
  destinations: z
    .array(z.object({ id: z.string().min(1).max(64), path: FolderPath.default('/') }))
    .min(1)
    .max(8),
  digests: Digests.optional(),
});
export type CreateUpload = z.input<typeof CreateUpload>;

/** A presigned, write-once PUT of one chunk. `expiresAt` is an upper bound: on a 403 ask for a new one. */
export const ChunkTicket = z.object({
  number: z.int().min(1),
  sizeBytes: z.int().min(1),
  method: z.literal('PUT'),
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  expiresAt: z.iso.datetime(),
});
export type ChunkTicket = z.infer<typeof ChunkTicket>;

export const UploadView = z.object({
  id: UploadId,
  name: z.string(),
  sizeBytes: z.int().min(0),
  phase: z.enum(['open', 'removing', 'removed']),
  chunkBytes: z.int().min(1),
  chunkCount: z.int().min(0),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
});
export type UploadView = z.infer<typeof UploadView>;

export const CreateUploadAnswer = z.object({
  upload: UploadView,
  transfers: z.array(TransferView),
  chunks: z.array(ChunkTicket),
  asks: z.array(DigestAsk),
});
export type CreateUploadAnswer = z.infer<typeof CreateUploadAnswer>;

/** `staged` lists inclusive ranges of chunk numbers: `[[1,500],[502,502]]`. */
export const UploadAnswer = z.object({
  upload: UploadView,
  staged: z.array(z.tuple([z.int(), z.int()])),
  transfers: z.array(TransferView),
  asks: z.array(DigestAsk),
});
export type UploadAnswer = z.infer<typeof UploadAnswer>;

export const SignRequest = z.object({ numbers: z.array(z.int().min(1)).min(1).max(64) });
export const SignAnswer = z.object({ chunks: z.array(ChunkTicket) });
export type SignAnswer = z.infer<typeof SignAnswer>;

export const CompleteAnswer = z.object({ upload: UploadView, transfers: z.array(TransferView) });
export type CompleteAnswer = z.infer<typeof CompleteAnswer>;

export const AnswersRequest = z.object({
  answers: z
    .array(z.object({ id: z.string().min(1).max(128), digest: z.string().regex(/^[0-9a-fA-F]{8,128}$/) }))
    .min(1)
    .max(16),
});
export const AsksAnswer = z.object({ asks: z.array(DigestAsk), transfers: z.array(TransferView) });

function hasControls(text: string): boolean {
  return [...text].some((character) => character < ' ' || character === '\u007f');
}
