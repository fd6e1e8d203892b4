/** What an answer means whose status and body do not say the same. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { dataOf, okOf } from '#clients/bilibili/envelope.ts';
import { completeUpload } from '#clients/bilibili/upos.ts';
import { expectFault } from '../../contract/expect-fault.ts';

const answer = (status: number, body: unknown) => ({ status, text: JSON.stringify(body), setCookies: [] });
const submitted = (status: number, body: unknown) =>
  dataOf(answer(status, body), { endpoint: 'add/v3', asked: 'submit', schema: z.unknown() });

it.each([
  [403, 'risk', 'bilibili.forbidden'],
  [412, 'throttled', 'bilibili.limited'],
  [429, 'throttled', 'bilibili.limited'],
  [503, 'transient', 'bilibili.unavailable'],
])('a body without a code of its own at HTTP %i is Fault %s %s', (status, kind, code) => {
  const reading = { endpoint: 'preupload', asked: 'preupload', schema: z.unknown() } as const;
  expect(() => okOf(answer(status, { OK: 0 }), reading)).toThrow(expect.objectContaining({ kind, code }));
  expect(() => submitted(status, { error: 'no' })).toThrow(expect.objectContaining({ kind, code }));
});

it.each([
  ['an unknown code', { code: 29_999, message: 'what?' }],
  ['success', { code: 0, data: { aid: 1 } }],
])('%s at HTTP 500 is no refusal of a submission: nobody knows what became of it', (_what, body) => {
  const unclear = expect.objectContaining({ kind: 'transient', code: 'bilibili.unavailable' });
  expect(() => submitted(500, body)).toThrow(unclear);
});

it.each([200, 500])('an unknown code is overruled by no status, a known one never (HTTP %i)', (status) => {
  const tags = expect.objectContaining({ kind: 'rejected', code: 'bilibili.tags_refused' });
  expect(() => submitted(status, { code: 21_005 })).toThrow(tags);
});

it.each([
  [{ http_code: 500, error: 'Merge: PART_COUNT_ERR_GOT_1_EXPECT_3' }, 'bilibili.parts_missing'],
  [{ error: 'Merge: PART_COUNT_ERR_GOT_1_EXPECT_3' }, 'bilibili.parts_missing'],
  [{ http_code: 404 }, 'bilibili.session_gone'],
])('a completion that is refused in HTTP 200 with %j is Fault gone %s', async (body, code) => {
  const server = createServer((request, response) => {
    request.resume();
    response.end(JSON.stringify(body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const upload = {
      scheme: 'http',
      endpoint: `//127.0.0.1:${port}`,
      object: 'b/n.mp4',
      auth: 'a',
      uploadId: 'u',
    } as const;
    const file = { name: 'n.mp4', profile: 'ugcupos/bup', bizId: 1, numbers: [1] };
    await expectFault('gone', code, completeUpload(upload, file, new AbortController().signal));
  } finally {
    server.close();
  }
});
