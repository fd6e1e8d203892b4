import { describe, expect, it } from 'vitest';
import { exactly } from './exact.ts';

function streamOf(...sizes: readonly number[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(sizes.map((size) => new Uint8Array(size)));
}

async function flow(stream: ReadableStream<Uint8Array>): Promise<number> {
  let sizeBytes = 0;
  for await (const piece of stream) sizeBytes += piece.byteLength;
  return sizeBytes;
}

describe('exactly', () => {
  it('passes on a stream of the promised length', async () => {
    expect(await flow(exactly(streamOf(3, 0, 4), 7))).toBe(7);
    expect(await flow(exactly(streamOf(), 0))).toBe(0);
  });

  it('makes a short stream an error, never a short stream', async () => {
    await expect(flow(exactly(streamOf(3, 3), 7))).rejects.toMatchObject({
      kind: 'transient',
      code: 'staging.short_body',
    });
    await expect(flow(exactly(streamOf(), 1))).rejects.toMatchObject({ code: 'staging.short_body' });
  });

  it('passes on nothing of a piece that goes past the end, and cancels the source', async () => {
    let canceled = false;
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(4)),
      cancel: () => {
        canceled = true;
      },
    });
    const reader = exactly(source, 7).getReader();
    expect((await reader.read()).value).toHaveLength(4);
    await expect(reader.read()).rejects.toMatchObject({ kind: 'bug', code: 'staging.long_body' });
    expect(canceled).toBe(true);
  });

  it('passes on the error of the source', async () => {
    const reason = new Error('cut');
    const source = new ReadableStream<Uint8Array>({ start: (controller) => controller.error(reason) });
    await expect(flow(exactly(source, 1))).rejects.toBe(reason);
  });

  it('pulls a piece only when one is read', async () => {
    let pulls = 0;
    const source = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulls++;
          controller.enqueue(new Uint8Array(1));
        },
      },
      { highWaterMark: 0 },
    );
    const reader = exactly(source, 100).getReader();
    await reader.read();
    await reader.read();
    expect(pulls).toBe(2);
  });
});
