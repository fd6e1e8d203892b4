/** Looking around in a destination: folders to choose from, and what its own server is doing. */
import * as z from 'zod';
import { FolderPath } from './upload.ts';

/** `path` as in a transfer: below what the destination's settings say. */
export const BrowseAnswer = z.object({
  path: z.string(),
  /** Read-only: nothing can be put there. */
  items: z.array(z.object({ name: z.string(), isReadOnly: z.boolean() })),
  next: z.string().nullable(),
});
export type BrowseAnswer = z.infer<typeof BrowseAnswer>;

export const MakeFolder = z.object({ path: FolderPath });
export const MadeFolder = z.object({ path: z.string() });

/** One thing that the destination's own server sends to its clouds, ours or somebody else's. */
export const ServerTask = z.object({
  key: z.string(),
  path: z.string(),
  sizeBytes: z.number().min(0),
  transferredBytes: z.number().min(0),
  state: z.enum([
    'waiting',
    'preparing',
    'queued',
    'transferring',
    'paused',
    'finished',
    'skipped',
    'canceled',
    'ignored',
    'failed',
    'refused',
    'unknown',
  ]),
  errorMessage: z.string(),
});
export type ServerTask = z.infer<typeof ServerTask>;

export const ServerTaskList = z.object({ items: z.array(ServerTask), next: z.string().nullable() });
export type ServerTaskList = z.infer<typeof ServerTaskList>;

/** A place on the server's own machine where its folders can be reached as files. */
export const ServerMount = z.object({
  place: z.string(),
  source: z.string(),
  isMounted: z.boolean(),
  isReadOnly: z.boolean(),
  failReason: z.string(),
});
export type ServerMount = z.infer<typeof ServerMount>;

export const ServerMountList = z.object({ items: z.array(ServerMount) });
