/** What each kind of hash must come to. */
import { createHash } from 'node:crypto';

const MIB = 1024 * 1024;

/** The number of a hash: 1 MD5, 2 SHA-1, 3 PikPak's SHA-1 over SHA-1s of segments, in capitals. */
export function digestOf(type: number, content: Buffer): string {
  if (type === 1) return createHash('md5').update(content).digest('hex');
  if (type === 2) return createHash('sha1').update(content).digest('hex');
  const outer = createHash('sha1');
  for (const segment of cut(content, segmentBytes(content.length)))
    outer.update(createHash('sha1').update(segment).digest());
  return outer.digest('hex').toUpperCase();
}

export function blockDigests(content: Buffer, blockBytes: number): readonly string[] {
  return cut(content, blockBytes).map((block) => createHash('md5').update(block).digest('hex'));
}

/** Why this cannot be a hash of the kind; undefined for one that can. */
export function faultInDigest(type: number, value: string): string | undefined {
  const form = { 1: /^[0-9a-f]{32}$/, 2: /^[0-9a-f]{40}$/, 3: /^[0-9A-F]{40}$/ }[type];
  if (form === undefined) return `unknown hash type ${type}`;
  return form.test(value) ? undefined : `malformed hash of type ${type}`;
}

function segmentBytes(sizeBytes: number): number {
  if (sizeBytes <= 128 * MIB) return 256 * 1024;
  if (sizeBytes <= 256 * MIB) return 512 * 1024;
  return sizeBytes <= 512 * MIB ? MIB : 2 * MIB;
}

function cut(content: Buffer, blockBytes: number): readonly Buffer[] {
  return Array.from({ length: Math.ceil(content.length / blockBytes) }, (_, index) =>
    content.subarray(index * blockBytes, (index + 1) * blockBytes),
  );
}
