/** A hash under way that can be saved and carried on in another process. */
import type { DigestAlgorithm } from '#core/wire/digest.ts';

export interface SavableHasher {
  update(bytes: Uint8Array): unknown;
  /** Once, of everything so far: lower-case hex, or the bytes. */
  digest(as: 'hex'): string;
  digest(as: 'binary'): Uint8Array;
  /** Good for the same library only. */
  save(): Uint8Array;
  load(state: Uint8Array): unknown;
}

export type Crc = Extract<DigestAlgorithm, `crc${string}`>;
