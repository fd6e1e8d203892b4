import { describe, expect, it } from 'vitest';
import { handleBatch } from './batch.ts';

async function endsOf(bodies: readonly unknown[], isGood: (text: string) => boolean, attempts = 1) {
  const ends: string[] = [];
  const errors: unknown[] = [];
  const messages = bodies.map((body, n) => ({
    body,
    attempts,
    ack: () => void ends.push(`${n} done`),
    retry: ({ delaySeconds }: { readonly delaySeconds: number }) => void ends.push(`${n} in ${delaySeconds} s`),
  }));
  const handled: string[] = [];
  const handle = async (text: string) => {
    handled.push(text);
    if (!isGood(text)) throw new Error('no');
  };
  await handleBatch({ messages }, { handle, onError: (error) => void errors.push(error) });
  return { ends, handled, errors };
}

describe('handleBatch', () => {
  it('ends those that succeeded, and puts off the others, which keep none from being handled', async () => {
    const { ends, errors } = await endsOf(['a', 'bad', 'b'], (text) => text !== 'bad');
    expect(ends).toEqual(['0 done', '1 in 1 s', '2 done']);
    expect(errors).toEqual([new Error('no')]);
  });

  it('hands on text as it is and everything else as JSON', async () => {
    const { handled, ends } = await endsOf(['{"a":1}', { a: 1 }, null, undefined], () => true);
    expect(handled).toEqual(['{"a":1}', '{"a":1}', 'null', '']);
    expect(ends).toHaveLength(4);
  });

  it.each([
    [1, 1],
    [2, 2],
    [6, 32],
    [7, 60],
    [100, 60],
  ])('a message that failed %d times comes back after %d s', async (attempts, seconds) => {
    expect((await endsOf(['bad'], () => false, attempts)).ends).toEqual([`0 in ${seconds} s`]);
  });
});
