/** Uploads that need no byte: the destination knows the file by its digests, and may ask for those of ranges. */
import type { DigestAsk, Digests } from '#core/wire/digest.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import type { CreateUploadAnswer } from '#core/wire/upload.ts';
import { rest } from './patience.ts';
import type { Surroundings } from './surroundings.ts';
import { isDelivered } from './upload-state.ts';

export type Algorithm = keyof Digests;

/** Digests of the file at hand, computed where they do not freeze the page. Reads it as a stream. */
export interface Hasher {
  /** `onHashed` is told the bytes read so far. */
  whole(
    file: File,
    algorithms: readonly Algorithm[],
    signal: AbortSignal,
    onHashed: (bytes: number) => void,
  ): Promise<Digests>;
  /** The digest of [ask.start, ask.end), lower-case hex. */
  range(file: File, ask: DigestAsk, signal: AbortSignal): Promise<string>;
}

export interface InstantCalls {
  readonly answer: (asks: readonly DigestAsk[]) => Promise<void>;
  readonly look: () => Promise<Pick<CreateUploadAnswer, 'transfers' | 'asks'>>;
}

/**
 * A destination that knows the file says so within this many looks, a second apart; then the bytes are sent anyway. An account may
 * be asked twice a second, and a file takes seven questions.
 */
const LOOKS_MAX = 60;
const LOOK_MS = 1000;

/** True when every destination had the file and no byte is needed. Answers their questions on the way. */
export async function isInstant(
  around: Surroundings,
  created: Pick<CreateUploadAnswer, 'transfers' | 'asks'>,
  calls: InstantCalls,
  signal: AbortSignal,
): Promise<boolean> {
  let answer = created;
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    if (isDelivered(answer.transfers)) return true;
    if (answer.asks.length > 0) await calls.answer(answer.asks);
    else if (!isDeciding(answer.transfers)) return false;
    else await rest(around, LOOK_MS, signal);
    answer = await calls.look();
  }
  return false;
}

/**
 * One is being asked, or none has had its turn. Beside a destination that was asked, one that only waits for bytes shows that
 * they are needed.
 */
function isDeciding(transfers: readonly TransferView[]): boolean {
  return transfers.some(({ phase }) => phase === 'opening') || transfers.every(({ phase }) => phase === 'staging');
}
