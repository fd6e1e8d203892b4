/** Everything that the calls of one fake share. */
import type { EventEmitter } from 'node:events';
import type { Account, Accounts } from './accounts.ts';
import type { Backlog } from './backlog.ts';
import type { Habit } from './habits.ts';
import type { Rpc } from './proto.ts';
import type { ManualTime } from './time.ts';
import type { Tree } from './tree.ts';
import type { UploadRules } from './upload.ts';

/** The first one is the account itself. */
export interface DavUser extends Account {
  readonly root: string;
  readonly isReadOnly: boolean;
}

export interface World {
  readonly tree: Tree;
  readonly accounts: Accounts;
  readonly backlog: Backlog;
  /** May be changed; all but the first are told as extra users. */
  readonly davUsers: DavUser[];
  readonly time: ManualTime;
  readonly habits: Set<Habit>;
  /** May be changed between uploads. */
  rules: UploadRules;
  /** `2:<sha1>`: hashes of files that the clouds have already. */
  readonly stock: Set<string>;
  readonly version: string;
  readonly calls: { readonly rpc: Rpc; readonly request: unknown }[];
  readonly violations: string[];
  /** How many entries of a folder go into one reply. */
  readonly listBatch: number;
  /** `call` with its name, `channel` with its device, `uploads`, `blocked` when a stream's reader is slow, `left` when it goes. */
  readonly events: EventEmitter;
  uploadsChanged(): void;
  /** Done with the next `flushWrites`. */
  readonly late: (() => void)[];
  /** What lies in real mounts by now is seen. */
  syncMounts(): void;
}
