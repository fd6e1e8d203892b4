/** The body of every error answer on native routes. Codes are stable, dotted and lower-case: `upload.size_mismatch`. */
import * as z from 'zod';

export const ErrorBody = z.object({
  error: z.object({ code: z.string(), message: z.string(), requestId: z.string() }),
});
export type ErrorBody = z.infer<typeof ErrorBody>;
