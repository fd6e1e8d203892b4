/** Digests of whole files and of ranges. */
import * as z from 'zod';

export const DigestAlgorithm = z.enum(['sha1', 'md5', 'sha256', 'crc64', 'crc64nvme']);
export type DigestAlgorithm = z.infer<typeof DigestAlgorithm>;

const hex = (length: number) =>
  z
    .string()
    .toLowerCase()
    .regex(new RegExp(`^[0-9a-f]{${length}}$`), `expected ${length} hex digits`);

/** What is known of a whole file, in lower-case hex. `crc64` is the ECMA polynomial, as Aliyun OSS has it; `crc64nvme` that of S3. */
export const Digests = z.object({
  sha1: hex(40).optional(),
  md5: hex(32).optional(),
  sha256: hex(64).optional(),
  crc64: hex(16).optional(),
  crc64nvme: hex(16).optional(),
});
export type Digests = z.infer<typeof Digests>;

/** A destination's question about the bytes [start, end) of a file, answered with the digest in lower-case hex. */
export const DigestAsk = z.object({
  id: z.string().min(1).max(128),
  algorithm: DigestAlgorithm,
  start: z.int().min(0),
  end: z.int().min(0),
});
export type DigestAsk = z.infer<typeof DigestAsk>;
