/** Queue messages. A job names a work row and nothing else: it is a hint, and may be lost, late or repeated. */
import * as z from 'zod';

export const Job = z.object({ pk: z.string().min(1).max(256), sk: z.string().min(1).max(128) });
export type Job = z.infer<typeof Job>;
