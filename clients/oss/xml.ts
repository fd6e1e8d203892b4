/** Answers in XML, as the library has read them. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';

/** Parses what a library read from XML, where an element that is there once is no array and an empty one is a text. */
export function read<T>(schema: z.ZodType<T>, xml: unknown): T {
  const parsed = schema.safeParse(xml);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join('.') ?? '';
  throw new Fault('bug', 'oss.bad_answer', `OSS answered in a shape that we do not know (${where})`);
}

/** None, one or many of the same element. */
export function many<T extends z.ZodType>(schema: T) {
  return z.preprocess((value) => (value === undefined ? [] : Array.isArray(value) ? value : [value]), z.array(schema));
}
