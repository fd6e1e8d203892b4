/** What goes wrong inside, as it is answered and as it is logged. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Fault, type FaultKind } from '#core/fault.ts';
import { expectError } from './expect-error.ts';
import { type ApiRig, apiRig, TOKEN } from './rig.ts';

let rig: ApiRig;
beforeEach(async () => {
  rig = await apiRig();
});
afterEach(() => rig[Symbol.asyncDispose]());

/** Makes every read of the list fail. */
const failing = (error: unknown) => {
  Object.assign(rig.table, { owned: () => Promise.reject(error) });
  return rig.call('GET', '/api/v1/transfers');
};

it.each([
  ['transient', 503],
  ['throttled', 429],
  ['auth', 502],
  ['gone', 502],
  ['rejected', 400],
  ['risk', 502],
  ['bug', 500],
] as const satisfies readonly (readonly [FaultKind, number])[])('a fault of kind %s is %i', async (kind, status) => {
  const message = expectError(await failing(new Fault(kind, 'rig.broken', 'in our own words')), status, 'rig.broken');
  expect(message).toBe('in our own words');
});

it.each([
  ['upload.unknown', 404],
  ['transfer.unknown', 404],
  ['destination.unknown', 404],
  ['upload.idempotency_conflict', 409],
  ['upload.size_mismatch', 409],
  ['upload.closed', 409],
  ['transfer.ended', 409],
  ['transfer.finishing', 409],
  ['transfer.not_failed', 409],
  ['destination.exists', 409],
  ['destination.busy', 409],
  ['destination.no_limits', 409],
  ['destination.changed', 412],
  ['upload.expired', 410],
  ['upload.chunk_number', 400],
])('code %s is %i', async (code, status) => {
  expectError(await failing(new Fault('rejected', code, 'x')), status, code);
});

it('a bug of our own is logged with the request that met it', async () => {
  const answer = await failing(new Fault('bug', 'rig.promise', 'broken'));
  const requestId = answer.headers.get('x-request-id');
  expect(rig.logged).toContainEqual({ level: 'error', event: 'api.bug', fields: { code: 'rig.promise', requestId } });
});

it('an error that nobody thought of is 500, its words neither told nor logged, its place logged', async () => {
  const answer = await failing(new TypeError('cannot read /home/me/Holiday in Rome.mp4?X-Amz-Signature=abc'));
  expect(expectError(answer, 500, 'internal')).not.toContain('Holiday');
  const line = rig.logged.at(-1);
  expect(line).toMatchObject({ event: 'api.failed', fields: { reason: 'TypeError', where: expect.any(String) } });
  expect(line?.fields).toMatchObject({ requestId: answer.headers.get('x-request-id') });
  expect(JSON.stringify(rig.logged)).not.toContain('Holiday');
});

it('each request has an id of its own, whatever id it came with', async () => {
  const headers = { 'x-request-id': 'mine' };
  const answers = await Promise.all([1, 2, 3].map(() => rig.call('GET', '/api/v1/transfers', undefined, headers)));
  const ids = answers.map((answer) => answer.headers.get('x-request-id'));
  expect(new Set([...ids, 'mine']).size).toBe(4);
});

describe('the log of a whole upload', () => {
  it('has no token, no presigned URL, no file name and no folder, also when it fails on the way', async () => {
    const name = '秘密 holiday.mp4';
    const destinations = [{ id: 'folder', path: '/私人/2025' }];
    const idempotencyKey = 'a-key-of-the-client';
    const created = await rig.create({ name, contentType: 'video/x-rare', destinations });
    await rig.call(
      'POST',
      '/api/v1/uploads',
      { name, sizeBytes: 5, destinations },
      { 'idempotency-key': idempotencyKey },
    );
    await rig.call('POST', `/api/v1/uploads/${created.upload.id}/sign`, { numbers: [1, 2] });
    for (const ticket of created.chunks) rig.put(ticket, new Uint8Array(ticket.sizeBytes));
    await rig.call('POST', `/api/v1/uploads/${created.upload.id}/complete`, {});
    await rig.settle();

    const failing = await rig.create({ name, destinations, digests: { sha1: 'd'.repeat(40) } });
    for (const ticket of failing.chunks) rig.put(ticket, new Uint8Array(ticket.sizeBytes));
    await rig.call('POST', `/api/v1/uploads/${failing.upload.id}/complete`, {});
    await rig.settle();
    const { body } = await rig.call('GET', '/api/v1/transfers');
    expect(body).toMatchObject({ items: expect.arrayContaining([expect.objectContaining({ status: 'failed' })]) });

    const log = JSON.stringify(rig.logged);
    expect(rig.logged.length).toBeGreaterThan(5);
    const urls = [...created.chunks, ...failing.chunks].map(({ url }) => url);
    for (const secret of [TOKEN, ...urls, 'signature', 'memory:', name, 'holiday', '私人', 'x-rare', idempotencyKey]) {
      expect(log).not.toContain(secret);
    }
  });
});
