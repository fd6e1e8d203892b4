/** Preconditions of reads (RFC 9110 §13) and of writes (what S3 supports of them). */
import { S3Error } from './errors.ts';
import type { Condition, StoredObject } from './objects.ts';
import type { S3Request } from './request.ts';

type Header = (name: string) => string | undefined;

/** Whether a read has anything new to say. Throws PreconditionFailed. */
export function readVerdict(header: Header, object: StoredObject): 'send' | 'not-modified' {
  const match = header('if-match');
  const unmodifiedSince = dateOf(header('if-unmodified-since'));
  // An entity tag outranks a date: with If-Match present, If-Unmodified-Since is not looked at. The same below.
  if (match !== undefined) {
    if (!matches(match, object)) throw new S3Error('PreconditionFailed', undefined, { Condition: 'If-Match' });
  } else if (unmodifiedSince !== undefined && object.modifiedMs > unmodifiedSince) {
    throw new S3Error('PreconditionFailed', undefined, { Condition: 'If-Unmodified-Since' });
  }
  const noneMatch = header('if-none-match');
  const modifiedSince = dateOf(header('if-modified-since'));
  if (noneMatch !== undefined) return matches(noneMatch, object) ? 'not-modified' : 'send';
  return modifiedSince !== undefined && object.modifiedMs <= modifiedSince ? 'not-modified' : 'send';
}

/** The same for the source of a copy, where "not modified" is a failure as well. Throws PreconditionFailed. */
export function checkCopySource(request: S3Request, source: StoredObject): void {
  if (readVerdict((name) => request.header(`x-amz-copy-source-${name}`), source) === 'not-modified') {
    throw new S3Error('PreconditionFailed');
  }
}

/**
 * What a write demands of the object in its place: `If-None-Match: *` (nothing), `If-Match` (this one). It is asked
 * before the body is read, to spare the sender the trouble, and again inside the transaction that commits. Of several
 * writers at once the first to commit wins and the others get PreconditionFailed; since the commit is serial, there is
 * no state in between for which ConditionalRequestConflict would be the answer.
 */
export function writeCondition(request: S3Request): Condition {
  const noneMatch = request.header('if-none-match');
  const match = request.header('if-match');
  if (noneMatch !== undefined && noneMatch.trim() !== '*') throw new S3Error('NotImplemented');
  if (noneMatch !== undefined && match !== undefined) throw new S3Error('NotImplemented');
  return (current) => {
    if (noneMatch !== undefined && current)
      throw new S3Error('PreconditionFailed', undefined, { Condition: 'If-None-Match' });
    if (match !== undefined) requireMatch(match, current);
  };
}

/** `If-Match` of a delete or an overwrite. Throws NoSuchKey without an object, PreconditionFailed for another one. */
export function requireMatch(match: string, current: StoredObject | undefined): void {
  if (!current) throw new S3Error('NoSuchKey');
  if (!matches(match, current)) throw new S3Error('PreconditionFailed', undefined, { Condition: 'If-Match' });
}

/** An entity tag as clients write it: quoted, bare or weak. */
export function bareEtag(text: string): string {
  return text
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/, '$1');
}

function matches(list: string, object: StoredObject): boolean {
  return list.split(',').some((tag) => tag.trim() === '*' || bareEtag(tag) === object.etag);
}

/** A date that cannot be read is no condition (RFC 9110 §13.1.3). */
function dateOf(text: string | undefined): number | undefined {
  const atMs = Date.parse(text ?? '');
  return Number.isNaN(atMs) ? undefined : atMs;
}
