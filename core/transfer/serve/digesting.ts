/** Computes what a destination asks to be computed, from bytes as they are staged, and tells it how far it is. */
import type { Answer, FileDigestAsk } from '#core/ports/provider.ts';
import { feed } from '../digesting.ts';
import type { AnswerTools } from './answering.ts';
import { HASHING_MS } from './terms.ts';

export interface Digesting {
  /** Resolves with the digest; rejects when its bytes cannot be had. */
  answer(signal: AbortSignal): Promise<Answer & { kind: 'digest' }>;
  /** The destination is told now how far it is. */
  tell(): void;
}

/** Bytes between two looks whether somebody else is waiting to read. */
const SLICE_BYTES = 8 * 1024 * 1024;

export function digesting(tools: AnswerTools, ask: FileDigestAsk): Digesting {
  const { engine, provider, item, staged } = tools;
  const { sizeBytes } = item;
  const known = ask.algorithm === null ? undefined : item.digests[ask.algorithm];
  let hashedBytes = 0;
  let telling: Promise<void> | null = null;
  let whileHashing: AbortSignal | null = null;

  /** A word about progress that gets lost is made up for by the next. */
  function tell(): void {
    if (whileHashing === null || whileHashing.aborted || telling !== null) return;
    const progress = { kind: 'hashing', hashedBytes, sizeBytes } as const;
    telling = provider
      .answer(ask, progress, { signal: whileHashing })
      .catch(() => undefined)
      .finally(() => {
        telling = null;
      });
  }

  async function tellNowAndThen(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      tell();
      await engine.clock.sleep(HASHING_MS, signal).catch(() => undefined);
    }
  }

  async function compute(signal: AbortSignal): Promise<Answer & { kind: 'digest' }> {
    const hasher = ask.hasher(sizeBytes);
    const sink = { update: (bytes: Uint8Array) => hasher.update(bytes), digest: () => '' };
    while (hashedBytes < sizeBytes) {
      await tools.patiently(signal, async (while_) => {
        // What was read before an error has been hashed, and counts.
        const range = { start: hashedBytes, end: Math.min(hashedBytes + SLICE_BYTES, sizeBytes) };
        await staged.covered(range, while_);
        await tools.inTurn(while_, () =>
          feed(engine.source, staged.window, range, [sink], while_, (count) => {
            hashedBytes += count;
            tools.moved(count);
          }),
        );
      });
    }
    const { value, blocks } = hasher.digest();
    return { kind: 'digest', digest: value, blocks, sizeBytes };
  }

  return {
    tell,
    answer: async (signal) => {
      if (known !== undefined) return { kind: 'digest', digest: known, blocks: [], sizeBytes };
      const over = new AbortController();
      whileHashing = AbortSignal.any([signal, over.signal]);
      const told = tellNowAndThen(whileHashing);
      try {
        return await compute(signal);
      } finally {
        over.abort('over');
        await told;
        await telling;
      }
    },
  };
}
