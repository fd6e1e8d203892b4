/** Byte ranges, half-open inside: `bytes=0-4` is { start: 0, end: 5 }. */
import { S3Error } from './errors.ts';

export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The range that a Range header asks of `sizeBytes` bytes; undefined asks for everything. A header of several ranges or
 * of another form counts as absent, as in S3. Throws InvalidRange when nothing of it exists.
 */
export function requestedRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first === '') {
    const lengthBytes = Math.min(Number(last), sizeBytes);
    if (lengthBytes === 0) unsatisfiable(sizeBytes);
    return { start: sizeBytes - lengthBytes, end: sizeBytes };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= sizeBytes) unsatisfiable(sizeBytes);
  return { start, end: last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes) };
}

/** The range of a copied part, which has to exist whole. Throws InvalidArgument. */
export function copiedRange(header: string | undefined, sizeBytes: number): ByteRange {
  if (header === undefined) return { start: 0, end: sizeBytes };
  const [, first = '', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(header.trim()) ?? [];
  const range = { start: Number(first), end: Number(last) + 1 };
  if (first === '' || range.start >= range.end || range.end > sizeBytes) {
    throw new S3Error('InvalidArgument', `Range specified is not valid for source object of size: ${sizeBytes}`);
  }
  return range;
}

export function contentRange({ start, end }: ByteRange, sizeBytes: number): string {
  return `bytes ${start}-${end - 1}/${sizeBytes}`;
}

function unsatisfiable(sizeBytes: number): never {
  throw new S3Error('InvalidRange', undefined, { ActualObjectSize: String(sizeBytes) });
}
