import fc from 'fast-check';
import { expect, test } from 'vitest';
import { joined } from './exact.ts';

const streamOf = (pieces: readonly Uint8Array[]) =>
  new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });

async function drained(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

const sources = fc.array(fc.array(fc.uint8Array({ maxLength: 6 }), { maxLength: 4 }), { maxLength: 4 });

test('the bytes of all sources flow in order and are counted, when they are as many as promised', async () => {
  await fc.assert(
    fc.asyncProperty(sources, async (parts) => {
      const all = Buffer.concat(parts.flat());
      let counted = 0;
      const opens = parts.map((pieces) => async () => streamOf(pieces));
      const stream = joined(opens, all.byteLength, (count) => {
        counted += count;
      });
      expect(await drained(stream)).toEqual(all);
      expect(counted).toBe(all.byteLength);
    }),
  );
});

test('a byte too few or too many is an error, never an early end', async () => {
  await fc.assert(
    fc.asyncProperty(sources, fc.integer({ min: -3, max: 3 }), async (parts, difference) => {
      const sizeBytes = Buffer.concat(parts.flat()).byteLength + difference;
      if (difference === 0 || sizeBytes < 0) return;
      const opens = parts.map((pieces) => async () => streamOf(pieces));
      const stream = joined(opens, sizeBytes, () => {});
      await expect(drained(stream)).rejects.toMatchObject({ kind: 'transient', code: 'staging.short_read' });
    }),
  );
});

test('a source is opened only when the one before it has ended', async () => {
  const opened: number[] = [];
  const opens = [0, 1, 2].map((index) => async () => {
    opened.push(index);
    return streamOf([Uint8Array.of(index)]);
  });
  const reader = joined(opens, 3, () => {}).getReader();
  expect(opened).toEqual([]);
  await reader.read();
  expect(opened).toEqual([0]);
  await reader.read();
  expect(opened).toEqual([0, 1]);
});

test('an error of a source, or of its opening, is the error of the stream', async () => {
  const broken = () => Promise.reject(new Error('no such key'));
  await expect(drained(joined([broken], 1, () => {}))).rejects.toThrow('no such key');
  const failing = async () =>
    new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error('cut')) });
  await expect(drained(joined([failing], 1, () => {}))).rejects.toThrow('cut');
});

test('who cancels the stream cancels the source that is being read', async () => {
  let reason: unknown = null;
  const source = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(Uint8Array.of(1)),
    cancel: (why) => {
      reason = why;
    },
  });
  const reader = joined([async () => source], 5, () => {}).getReader();
  await reader.read();
  await reader.cancel('enough');
  expect(reason).toBe('enough');
});
