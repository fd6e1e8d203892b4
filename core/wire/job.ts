/** Queue messages. A job names a work row: it is a hint, and may be lost, late or repeated. */
import * as z from 'zod';

export const Job = z.object({
  pk: z.string().min(1).max(256),
  sk: z.string().min(1).max(128),
  /** It was the row's turn when this was sent. If the row is not due any more, somebody has looked at it since. */
  ifDue: z.literal(true).optional(),
});
export type Job = z.infer<typeof Job>;

/** One spelling, so that two equal hints are one text. */
export function jobText({ pk, sk, ifDue }: Job): string {
  return JSON.stringify(ifDue ? { pk, sk, ifDue } : { pk, sk });
}
