/** A file's answers to what the destination asks about its bytes. */
import { createHash } from 'node:crypto';
import type { Item } from '#core/ports/provider.ts';
import type { DigestAsk } from '#core/wire/digest.ts';

export function answered(item: Item, asks: readonly DigestAsk[], content: Uint8Array): Item {
  const answers = asks.map(({ id, algorithm, start, end }) => [
    id,
    createHash(algorithm).update(content.subarray(start, end)).digest('hex'),
  ]);
  return { ...item, answers: { ...item.answers, ...Object.fromEntries(answers) } };
}
