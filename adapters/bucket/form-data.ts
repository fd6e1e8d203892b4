/**
 * multipart/form-data as a browser writes it: small fields first, the file last. The fields are read at once, the file is
 * handed on as it arrives. What comes after the file is refused, so that nothing can be said that the policy did not see.
 */
import { S3Error } from './errors.ts';

export interface Form {
  /** Lower-case names; values as UTF-8. */
  readonly fields: ReadonlyMap<string, string>;
  /** The header lines of the file's part, as they came. */
  readonly fileHead: string;
  /** The file's bytes. Ends only after the form's own end was seen. Throws IncompleteBody, MalformedPOSTRequest. */
  readonly file: AsyncIterable<Buffer>;
  /** Reads no more, whether the file was read or not. */
  close(): Promise<void>;
}

/** The boundary of a `multipart/form-data` content type, if it is one. */
export function formBoundary(contentType: string | undefined): string | undefined {
  const match = /^multipart\/form-data\s*;.*?\bboundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType ?? '');
  return match?.[1] ?? match?.[2];
}

/** Reads up to the first byte of the file. Throws MalformedPOSTRequest, MaxPostPreDataLengthExceeded. */
export async function openForm(boundary: string, body: AsyncIterable<Buffer>): Promise<Form> {
  const input = reader(body);
  try {
    return await readFields(input, Buffer.from(`\r\n--${boundary}`, 'latin1'));
  } catch (error) {
    await input.close();
    throw error;
  }
}

/** AWS's limit for everything but the file. */
const FIELDS_BYTES_MAX = 20 * 1024;
const HEAD_BYTES_MAX = 4 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');

interface Reader {
  /** The bytes before `mark`, which is passed over. */
  until(mark: Buffer, bytesMax: number): Promise<Buffer>;
  take(count: number): Promise<Buffer>;
  /** What is there, at least one byte; null at the end. */
  some(): Promise<Buffer | null>;
  back(bytes: Buffer): void;
  close(): Promise<void>;
}

async function readFields(input: Reader, delimiter: Buffer): Promise<Form> {
  const first = await input.until(delimiter.subarray(2), delimiter.length);
  if (first.length > 0) malformed('the body does not begin with the boundary');
  const fields = new Map<string, string>();
  let fieldBytes = 0;
  for (;;) {
    if (!(await isPart(input))) malformed('there is no file');
    const head = (await input.until(HEAD_END, HEAD_BYTES_MAX)).toString('utf8');
    const name = fieldName(head);
    if (name === 'file') return { fields, fileHead: head, file: fileBytes(input, delimiter), close: input.close };
    if (fields.has(name)) malformed(`the field ${name} is given twice`);
    const value = await input.until(delimiter, FIELDS_BYTES_MAX);
    fieldBytes += name.length + value.length;
    if (fieldBytes > FIELDS_BYTES_MAX) throw new S3Error('MaxPostPreDataLengthExceeded');
    fields.set(name, value.toString('utf8'));
  }
}

function reader(body: AsyncIterable<Buffer>): Reader {
  const source = body[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);

  async function more(): Promise<boolean> {
    const { done, value } = await source.next();
    if (done) return false;
    held = held.length === 0 ? value : Buffer.concat([held, value]);
    return true;
  }

  function cut(count: number): Buffer {
    const bytes = held.subarray(0, count);
    held = held.subarray(count);
    return bytes;
  }

  return {
    async until(mark, bytesMax) {
      for (;;) {
        const at = held.indexOf(mark);
        if (at > bytesMax || (at === -1 && held.length > bytesMax + mark.length)) {
          throw new S3Error('MaxPostPreDataLengthExceeded');
        }
        if (at !== -1) {
          const bytes = cut(at);
          cut(mark.length);
          return bytes;
        }
        if (!(await more())) malformed('it ends in the middle');
      }
    },
    async take(count) {
      while (held.length < count) if (!(await more())) malformed('it ends in the middle');
      return cut(count);
    },
    async some() {
      if (held.length === 0 && !(await more())) return null;
      return cut(held.length);
    },
    back(bytes) {
      held = held.length === 0 ? bytes : Buffer.concat([bytes, held]);
    },
    async close() {
      await source.return?.();
    },
  };
}

/** What follows a boundary: a line's end before another part, two dashes at the end of the form. */
async function isPart(input: Reader): Promise<boolean> {
  const next = (await input.take(2)).toString('latin1');
  if (next !== '\r\n' && next !== '--') malformed('a boundary is not followed by a line end');
  return next === '\r\n';
}

function fieldName(head: string): string {
  const disposition = head.split('\r\n').find((line) => /^content-disposition:/i.test(line)) ?? '';
  const name = /^content-disposition:\s*form-data\s*;.*?\bname="([^"]{1,256})"/i.exec(disposition)?.[1];
  if (name === undefined) malformed('a part has no name');
  return name.toLowerCase();
}

async function* fileBytes(input: Reader, delimiter: Buffer): AsyncGenerator<Buffer> {
  // A piece may end within the delimiter, so its last bytes wait for the next one.
  let tail: Buffer = Buffer.alloc(0);
  for (;;) {
    const piece = await input.some();
    if (piece === null) throw new S3Error('IncompleteBody');
    const bytes = tail.length === 0 ? piece : Buffer.concat([tail, piece]);
    const at = bytes.indexOf(delimiter);
    if (at !== -1) {
      if (at > 0) yield bytes.subarray(0, at);
      input.back(bytes.subarray(at + delimiter.length));
      break;
    }
    const certain = Math.max(0, bytes.length - delimiter.length + 1);
    if (certain > 0) yield bytes.subarray(0, certain);
    tail = bytes.subarray(certain);
  }
  if (await isPart(input)) malformed('the file is not the last field');
  for (let rest = await input.some(); rest !== null; rest = await input.some()) {
    if (!/^[\r\n]{0,2}$/.test(rest.toString('latin1'))) malformed('something follows the end of the form');
  }
}

function malformed(why: string): never {
  throw new S3Error('MalformedPOSTRequest', `The body of your POST request is not well-formed: ${why}.`);
}
