/** What a store's answer to the PUT of a chunk means to the command line, over a socket. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepAliveAgents, putChunk } from '../../cli/put-chunk.ts';

const CONTENT = new Uint8Array(256 * 1024);
const exists = (code: string) => `<?xml version="1.0"?>\n<Error>\n  <Code>${code}</Code>\n</Error>`;

let server: Server;
let answer: { readonly status: number; readonly body: string; readonly when: 'at the end' | 'at once' };

beforeEach(async () => {
  server = createServer(async (request, response) => {
    if (answer.when === 'at the end') for await (const _ of request);
    response.writeHead(answer.status).end(answer.body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function put() {
  const agents = keepAliveAgents();
  const { port } = server.address() as AddressInfo;
  const ticket = {
    number: 1,
    sizeBytes: CONTENT.length,
    method: 'PUT' as const,
    url: `http://127.0.0.1:${port}/staging/x/00001`,
    headers: {},
    expiresAt: '2099-01-01T00:00:00.000Z',
  };
  const file = {
    sizeBytes: CONTENT.length,
    modifiedAtMs: 0,
    read: async function* () {
      yield CONTENT;
    },
    digest: async () => '',
    assertUnchanged: async () => undefined,
    close: async () => undefined,
  };
  try {
    const { signal } = new AbortController();
    return await putChunk({ file, start: 0, ticket, agents, signal, onBytes: () => undefined });
  } finally {
    agents.close();
  }
}

describe.each(['at the end', 'at once'] as const)('an answer %s of the body', (when) => {
  it.each([
    [412, '', { kind: 'held' }],
    [409, exists('FileAlreadyExists'), { kind: 'held' }],
    [409, exists('ConditionalRequestConflict'), { kind: 'failed', reason: 'status 409' }],
    [409, `${'x'.repeat(9_000)}${exists('FileAlreadyExists')}`, { kind: 'failed', reason: 'status 409' }],
    [403, exists('FileAlreadyExists'), { kind: 'expired' }],
    [400, exists('ExpiredRequest'), { kind: 'expired' }],
    [400, exists('FileAlreadyExists'), { kind: 'refused', status: 400 }],
  ])('of %i %s is understood', async (status, body, outcome) => {
    answer = { status, body, when };
    expect(await put()).toMatchObject(outcome);
  });
});
