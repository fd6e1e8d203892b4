/** One part on its way, when the other side is slow or gone. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { putPart, type UposPart, type UposUpload } from '#clients/bilibili/upos.ts';
import { expectFault } from '../../contract/expect-fault.ts';
import { startFakeBilibili } from '../../fakes/bilibili/server.ts';

const SIZE = 1_000_000;

it('a part that takes longer than it may is given up, and its source is canceled', async () => {
  await using line = await started();
  line.fake.misbehave('part', 'stalled');
  const { part, canceled } = endless();
  const signal = new AbortController().signal;
  await expectFault('transient', 'bilibili.unavailable', putPart(line.upload, part, { timeoutMs: 50, signal }));
  await canceled;
});

it('a part whose source cannot be opened is told by its own error, and nothing is sent', async () => {
  await using line = await started();
  const reason = new Error('no such object');
  const part = { ...endless().part, open: () => Promise.reject(reason) };
  const signal = new AbortController().signal;
  await expect(putPart(line.upload, part, { timeoutMs: 60_000, signal })).rejects.toBe(reason);
  expect(line.fake.asked).toEqual([]);
});

it('an error of a part names no address and nothing that vouches for it', async () => {
  await using line = await started();
  line.fake.kill('bda2');
  const signal = new AbortController().signal;
  const call = putPart(line.upload, endless().part, { timeoutMs: 60_000, signal });
  const { message, cause } = await expectFault('transient', 'bilibili.unavailable', call);
  expect(message).not.toMatch(/127\.0\.0\.1|ak=|upload-id/);
  expect(cause).toBeUndefined();
});

it('a source that fails on the way is told by its own error', async () => {
  await using line = await started();
  const reason = new Error('the bucket broke off');
  let pulls = 0;
  const open = async () =>
    new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulls += 1;
        if (pulls <= 3) controller.enqueue(new Uint8Array(10));
        else controller.error(reason);
      },
    });
  const signal = new AbortController().signal;
  const call = putPart(line.upload, { ...endless().part, open }, { timeoutMs: 60_000, signal });
  await expect(call).rejects.toBe(reason);
});

it('parts go over one connection, and one that was closed meanwhile costs a part nothing', async () => {
  let connections = 0;
  let asked = 0;
  const server = createServer({ keepAliveTimeout: 300_000 }, async (request, response) => {
    asked += 1;
    if (asked === 3) return void request.socket.destroy();
    for await (const _ of request);
    response.end('MULTIPART_PUT_SUCCESS');
  });
  server.on('connection', () => {
    connections += 1;
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const upload: UposUpload = { ...UPLOAD, endpoint: `//127.0.0.1:${port}` };
    const signal = new AbortController().signal;
    const send = () => putPart(upload, whole(), { timeoutMs: 60_000, signal });
    await send();
    await send();
    expect([asked, connections]).toEqual([2, 1]);
    await send();
    expect([asked, connections]).toEqual([4, 2]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

const UPLOAD: UposUpload = {
  scheme: 'http',
  endpoint: '//127.0.0.1:9',
  object: 'ugcfx2lf/n260102ad.mp4',
  auth: 'ak=1&sign=2',
  uploadId: 'upload-id',
};

async function started() {
  const fake = await startFakeBilibili({ lines: ['bda2'] });
  const upload: UposUpload = { ...UPLOAD, endpoint: (fake.lines['bda2'] ?? '').replace('http:', '') };
  return { fake, upload, [Symbol.asyncDispose]: () => fake.close() };
}

function whole(): UposPart {
  const open = async () =>
    new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(new Uint8Array(SIZE));
        controller.close();
      },
    });
  return { ...endless().part, open };
}

/** Its first bytes, and then nothing more until it is canceled. */
function endless(): { readonly part: UposPart; readonly canceled: Promise<void> } {
  const { promise: canceled, resolve } = Promise.withResolvers<void>();
  const open = async () =>
    new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array(10)),
      cancel: () => resolve(),
    });
  const range = { start: 0, end: SIZE };
  return { part: { number: 1, range, partCount: 1, totalBytes: SIZE, sizeBytes: SIZE, open }, canceled };
}
