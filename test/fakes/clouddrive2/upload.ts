/** What the parts of a remote upload know of each other. */
import type { RemoteUploadChannelReply } from '#proto/generated/clouddrive/RemoteUploadChannelReply.ts';
import type { UploadFileInfo } from '#proto/generated/clouddrive/UploadFileInfo.ts';
import type { Range } from './coverage.ts';
import type { Habit } from './habits.ts';
import type { ManualTime } from './time.ts';

export type Status = Extract<NonNullable<UploadFileInfo['statusEnum']>, string>;

export interface HashWish {
  /** 1 MD5, 2 SHA-1, 3 PikPak's. */
  readonly type: number;
  /** Of MD5 only. */
  readonly blockBytes?: number;
}

export interface UploadRules {
  readonly hashes: readonly HashWish[];
  readonly readBytes: number;
  /** Reads that may wait for their bytes at once. */
  readonly readsMax: number;
  readonly pieceBytesMax: number;
  /** It asks for a hash again after so long a silence. */
  readonly hashSilenceMs: number;
  /** Absent: the whole file. Present: only these ranges, and no byte of them is kept. */
  readonly sample?: (sizeBytes: number) => readonly Range[];
}

export interface UploadWorld {
  readonly rules: UploadRules;
  readonly habits: ReadonlySet<Habit>;
  readonly time: ManualTime;
  /** Whether the clouds have a file of this hash already. */
  has(type: number, value: string): boolean;
  say(message: RemoteUploadChannelReply): void;
  /** A promise that the client broke; the fake goes on where it can. */
  violation(text: string): void;
  /** The file is in the cloud from now on. */
  store(hashes: Readonly<Record<number, string>>, content: Buffer | undefined): void;
  changed(): void;
}

export interface Held {
  readonly ranges: readonly Range[];
  readonly content: Buffer;
}

export interface Upload {
  readonly id: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly knownHashes: Readonly<Record<string, string>>;
  readonly clientHashes: boolean;
  /** What an earlier upload left. */
  readonly held?: Held;
}
