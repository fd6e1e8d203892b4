/** What 115 sends instead of the types that its documents promise. */
import * as z from 'zod';

/** An integer, or its decimal text. */
export const looseInt = z.union([
  z.int(),
  z
    .string()
    .regex(/^-?\d{1,15}$/)
    .transform(Number),
]);

/** Bytes: an integer, a fraction or either as text. */
export const looseSize = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^\d{1,15}(\.\d+)?$/)
      .transform(Number),
  ])
  .pipe(z.number().min(0).transform(Math.trunc));

/** Text, or a number that is meant as text: an id. */
export const looseText = z.union([z.string(), z.number().transform(String)]);

/** true, 1, "1" and "200" against false, 0, "0", "" and "false". */
export const looseTruth = z.union([
  z.boolean(),
  z.number().transform((value) => value !== 0),
  z.string().transform((value) => !['', '0', 'false'].includes(value)),
]);

/** One thing where 115 may send a list of it: the first. An empty list is nothing. */
export function firstOf<T extends z.ZodType>(schema: T) {
  return z.preprocess((value) => (Array.isArray(value) ? value[0] : value), schema);
}

/** JSON in which integers beyond 2^53, 115's ids, stay exact: as their text. Throws SyntaxError. */
export function looseJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) => {
    const isRounded = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
    return isRounded && /^-?\d+$/.test(context?.source ?? '') ? context?.source : value;
  });
}
