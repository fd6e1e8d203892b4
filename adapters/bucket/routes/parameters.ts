/** Query parameters that several listings share. */
import { S3Error } from '../errors.ts';
import type { S3Request } from '../request.ts';
import { uriEncode } from '../sigv4.ts';

/** A page never holds more, whatever is asked for. */
const PAGE_MAX = 1000;

/** Up to 1000, which is also the default. Throws InvalidArgument. */
export function countParameter(query: S3Request['query'], name: string): number {
  const text = query.get(name);
  if (text === undefined || text === '') return PAGE_MAX;
  if (!/^\d{1,10}$/.test(text))
    throw new S3Error('InvalidArgument', `Provided ${name} not an integer or out of range.`);
  return Math.min(Number(text), PAGE_MAX);
}

/** A part number, 1 to 10,000. Throws InvalidArgument. */
export function partNumberParameter(query: S3Request['query']): number {
  const text = query.get('partNumber') ?? '';
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > 10_000) {
    throw new S3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive.');
  }
  return number;
}

/** How keys are written in the answer: as they are, or percent-encoded for `encoding-type=url`. */
export function keyEncoder(request: S3Request): (key: string) => string {
  const type = request.query.get('encoding-type');
  if (type === undefined) return (key) => key;
  if (type !== 'url') throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request.');
  // %20 for a space reads the same to decoders that know the plus sign and to those that do not.
  return (key) => key.split('/').map(uriEncode).join('/');
}
