/** What wrangler's R2 cannot be made to do: failures, cut bodies, short pages. The laws of the port run in workerd. */
import { describe, expect, it } from 'vitest';
import type { R2Bucket } from './binding.ts';
import { r2StagingSource } from './staging.ts';

const OBJECT = { key: 'k', etag: 'v', size: 100, uploaded: new Date(1_000) };
const never = new AbortController().signal;

function bucketWith(habits: Partial<R2Bucket>): R2Bucket {
  const none = () => Promise.reject(new Error('nobody asked for this'));
  return { head: none, get: none, list: none, delete: none, ...habits };
}

/** A body of these pieces; a negative one is an error instead. */
function bodyOf(...sizes: readonly number[]) {
  const left = [...sizes];
  const canceled = Promise.withResolvers<void>();
  const body = new ReadableStream({
    type: 'bytes',
    pull: (controller: ReadableByteStreamController) => {
      const size = left.shift();
      if (size === undefined) controller.close();
      else if (size < 0) return Promise.reject(new Error('Network connection lost.'));
      else controller.enqueue(new Uint8Array(size));
      if (size === undefined) controller.byobRequest?.respond(0);
      return undefined;
    },
    cancel: () => canceled.resolve(),
  });
  return { body, canceled: canceled.promise };
}

async function flow(body: ReadableStream<Uint8Array> | undefined, signal = never): Promise<number> {
  const source = r2StagingSource(bucketWith({ get: async () => ({ ...OBJECT, ...(body && { body }) }) }));
  let sizeBytes = 0;
  for await (const piece of await source.read({ key: 'k', version: 'v' }, { start: 0, end: 10 }, signal)) {
    sizeBytes += piece.byteLength;
  }
  return sizeBytes;
}

describe('a body', () => {
  it('of the promised length flows', async () => {
    expect(await flow(bodyOf(3, 7).body)).toBe(10);
  });

  it('that is cut short is an error, never a short stream', async () => {
    await expect(flow(bodyOf(3, 3).body)).rejects.toMatchObject({ kind: 'transient', code: 'staging.short_body' });
    await expect(flow(bodyOf(3, -1).body)).rejects.toMatchObject({ kind: 'transient', code: 'staging.unavailable' });
  });

  it('that goes past the end is a broken promise, and is let go of', async () => {
    const { body, canceled } = bodyOf(9, 9, 9);
    await expect(flow(body)).rejects.toMatchObject({ kind: 'bug', code: 'staging.long_body' });
    await canceled;
  });

  it('that comes to somebody who has gone is let go of', async () => {
    const { body, canceled } = bodyOf(10);
    const answer = Promise.withResolvers<Awaited<ReturnType<R2Bucket['get']>>>();
    const source = r2StagingSource(bucketWith({ get: () => answer.promise }));
    const abort = new AbortController();
    const reading = source.read({ key: 'k', version: 'v' }, { start: 0, end: 10 }, abort.signal);
    const reason = new Error('the lease is over');
    abort.abort(reason);
    await expect(reading).rejects.toBe(reason);
    answer.resolve({ ...OBJECT, body });
    await canceled;
  });

  it('that is not there, because the content is another one, is gone', async () => {
    await expect(flow(undefined)).rejects.toMatchObject({ kind: 'gone', code: 'staging.changed' });
  });
});

describe('a refusal', () => {
  it.each([
    ['Network connection lost.', 'transient', 'staging.unavailable'],
    ['head: We encountered an internal error. Please try again. (10001)', 'transient', 'staging.unavailable'],
    ['head: Service is temporarily unavailable. (10043)', 'transient', 'staging.unavailable'],
    ['head: Rate limit exceeded. (10058)', 'throttled', 'staging.slow_down'],
    ['head: Insufficient permissions. (10003)', 'auth', 'staging.denied'],
    ['head: The specified bucket does not exist. (10006)', 'auth', 'staging.no_bucket'],
    ['head: The specified object name is not valid. (10020)', 'bug', 'staging.refused'],
  ])('"%s" is %s %s', async (message, kind, code) => {
    const source = r2StagingSource(bucketWith({ head: () => Promise.reject(new Error(message)) }));
    await expect(source.stat('k')).rejects.toMatchObject({ kind, code });
  });

  it.each([
    ['the range, where the content is still there', 'v', 5, 'staging.range'],
    ['the content, where it is another one by now', 'w', 5, 'staging.changed'],
    ['R2 itself, where the range is within the content', 'v', 100, 'staging.unavailable'],
  ])('of a range, without more words, is about %s', async (_, etag, size, code) => {
    const source = r2StagingSource(
      bucketWith({
        get: () => Promise.reject(new Error('get: Unspecified error (0)')),
        head: async () => ({ ...OBJECT, etag, size }),
      }),
    );
    await expect(source.read({ key: 'k', version: 'v' }, { start: 5, end: 10 }, never)).rejects.toMatchObject({ code });
  });
});

it('a listing goes on after a page that is shorter than asked for', async () => {
  const keys = ['a', 'b', 'c', 'd', 'e'];
  const asked: number[] = [];
  const source = r2StagingSource(
    bucketWith({
      list: async ({ startAfter = '', limit }) => {
        asked.push(limit);
        const left = keys.filter((key) => key > startAfter);
        const objects = left.slice(0, Math.min(2, limit)).map((key) => ({ ...OBJECT, key }));
        return { objects, truncated: objects.length < left.length };
      },
    }),
  );
  expect((await source.list({ prefix: '', limit: 4 })).map(({ key }) => key)).toEqual(['a', 'b', 'c', 'd']);
  expect((await source.list({ prefix: '', limit: 99 })).map(({ key }) => key)).toEqual(keys);
  expect(asked).toEqual([4, 2, 99, 97, 95]);
});
