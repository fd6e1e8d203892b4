/** What a person says of a folder destination. */
import * as z from 'zod';

export type FolderSettings = z.infer<typeof FolderSettings>;
export const FolderSettings = z.strictObject({
  /** Absolute, or relative to the directory that the process was started in. */
  root: z
    .string()
    .min(1)
    .max(4096)
    .refine((path) => !path.includes('\0'), 'a path has no NUL'),
  onConflict: z.enum(['rename', 'replace', 'fail']).default('rename'),
});
