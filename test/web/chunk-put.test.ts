/** What a store's answer to the PUT of a chunk means to the page. */
import { describe, expect, it } from 'vitest';
import type { ChunkTicket } from '#core/wire/upload.ts';
import { putChunk } from '../../web/upload/chunk-put.ts';

const TICKET: ChunkTicket = {
  number: 1,
  sizeBytes: 3,
  method: 'PUT',
  url: 'https://bucket.example/staging/x/00001',
  headers: { 'x-oss-forbid-overwrite': 'true' },
  expiresAt: '2099-01-01T00:00:00.000Z',
};

describe('an answer', () => {
  it.each([
    [200, undefined, { kind: 'staged' }],
    [412, 'PreconditionFailed', { kind: 'staged' }],
    [409, 'FileAlreadyExists', { kind: 'staged' }],
    [409, 'ConditionalRequestConflict', { kind: 'conflict' }],
    [409, undefined, { kind: 'conflict' }],
    [403, 'FileAlreadyExists', { kind: 'denied' }],
    [400, 'ExpiredRequest', { kind: 'denied' }],
    [400, 'FileAlreadyExists', { kind: 'refused', status: 400 }],
  ])('of %i %s is %j', async (status, code, outcome) => {
    const transport = async () => ({ status, retryAfterMs: undefined, ...(code === undefined ? {} : { code }) });
    const timers = { after: () => () => undefined };
    const { signal } = new AbortController();
    expect(await putChunk(transport, timers, TICKET, new Blob(['abc']), signal, () => undefined)).toEqual(outcome);
  });
});
