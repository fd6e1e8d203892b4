/** Who gets in, and what everybody is answered who asks for something that is not there. */
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { expectError } from './expect-error.ts';
import { type ApiRig, apiRig, TOKEN } from './rig.ts';

const ANY_ID: Readonly<Record<string, string>> = {
  uploads: 'upl_01M80D3TB4H0CP4F835TVPPNWD',
  transfers: 'trf_AGM6QSJB85PT8ZEE3G14FSE446',
  destinations: 'folder',
};

const Document = z.object({
  openapi: z.string(),
  paths: z.record(z.string(), z.record(z.string(), z.object({ security: z.array(z.unknown()).min(1) }))),
});

let rig: ApiRig;
let routes: { readonly method: string; readonly path: string }[];

beforeAll(async () => {
  rig = await apiRig();
  routes = rig.app.routes
    .filter(({ method, path }) => method !== 'ALL' && path.startsWith('/api/'))
    .map(({ method, path }) => ({
      method,
      path: path.replace(/^(\/api\/v1\/(\w+)\/):id/, (_, head, noun) => head + ANY_ID[noun]),
    }));
  return () => rig[Symbol.asyncDispose]();
});

describe('the token', () => {
  it.each([
    ['no header', ''],
    ['another token', 'Bearer a-token-of-nobody'],
    ['the token and more', `Bearer ${TOKEN}x`],
    ['a part of the token', `Bearer ${TOKEN.slice(0, -1)}`],
    ['two tokens', `Bearer ${TOKEN} ${TOKEN}`],
    ['another scheme', `Basic ${btoa(`local:${TOKEN}`)}`],
    ['no scheme', TOKEN],
    ['an empty token', 'Bearer '],
  ])('no route answers to %s, whatever else it is asked', async (_, authorization) => {
    expect(routes.length).toBeGreaterThan(15);
    for (const { method, path } of routes) {
      const answer = await rig.call(method, path, method === 'GET' ? undefined : '{not json', { authorization });
      expectError(answer, 401, path.startsWith('/api/v1/drop') ? 'link.revoked' : 'auth.required');
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  it('is not asked for in a query', async () => {
    const answer = await rig.call('GET', `/api/v1/transfers?token=${TOKEN}`, undefined, { authorization: '' });
    expectError(answer, 401, 'auth.required');
  });

  it('is taken with its scheme in any case', async () => {
    const answer = await rig.call('GET', '/api/v1/transfers', undefined, { authorization: `bearer ${TOKEN}` });
    expect(answer.status).toBe(200);
  });

  it('comes before the question whether there is such a route', async () => {
    expectError(await rig.call('GET', '/api/v1/nothing', undefined, { authorization: '' }), 401, 'auth.required');
  });
});

describe('what is not there', () => {
  it.each([
    ['GET', '/nothing'],
    ['GET', '/api/v1/nothing'],
    ['GET', '/api/v2/transfers'],
    ['GET', '/api/v1/transfers/'],
    ['PUT', '/api/v1/uploads'],
    ['DELETE', '/api/v1/transfers'],
    ['OPTIONS', '/api/v1/uploads'],
    ['POST', `/api/v1/transfers/${ANY_ID['transfers']}/explode`],
    ['POST', '/healthz'],
    ['GET', '/docs/../etc'],
  ])('%s %s is 404 with our error body', async (method, path) => {
    expectError(await rig.call(method, path), 404, 'route.unknown');
  });

  it.each(['/api/v1/uploads/nope', '/api/v1/transfers/nope', '/api/v1/transfers/%ff', '/api/v1/destinations/NO%20'])(
    'an id that cannot be one (%s) is 400',
    async (path) => {
      expectError(await rig.call('GET', path), 400, 'request.invalid');
    },
  );

  it('HEAD answers as GET does, without a body', async () => {
    const answer = await rig.call('HEAD', '/api/v1/transfers');
    expect(answer).toMatchObject({ status: 200, text: '' });
    expect((await rig.call('HEAD', '/api/v1/transfers', undefined, { authorization: '' })).status).toBe(401);
  });
});

describe('what is open', () => {
  it('healthz, the page and the document need no token', async () => {
    for (const path of ['/healthz', '/docs', '/docs/openapi.json']) {
      expect((await rig.call('GET', path, undefined, { authorization: '' })).status).toBe(200);
    }
    expect((await rig.call('GET', '/healthz')).body).toEqual({ ok: true });
  });

  it('the document and the page tell of every route, and nothing else', async () => {
    const document = Document.parse((await rig.call('GET', '/docs/openapi.json')).body);
    const page = (await rig.call('GET', '/docs')).text;
    const open = /^\/(?:healthz|docs.*|\*)$/;
    const mounted = rig.app.routes.filter(({ method, path }) => method !== 'ALL' && !open.test(path));
    const told = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    // A pattern behind a name is how a path with slashes is taken.
    const there = new Set(
      mounted.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, '{$1}')}`),
    );
    expect(told.toSorted()).toEqual([...there].toSorted());
    for (const path of Object.keys(document.paths)) expect(page).toContain(`<code>${path}</code>`);
  });

  it('the page needs nothing from anywhere', async () => {
    const page = (await rig.call('GET', '/docs')).text;
    expect(page).not.toMatch(/<script|<link|src=|@import|url\(/);
  });
});

describe('a body that cannot be read', () => {
  it.each(['{', '', 'null', '[]', '"text"', '{"name":', '\u0000', `${'['.repeat(50_000)}`])(
    'is 400, not 500 (%#)',
    async (body) => {
      expectError(await rig.call('POST', '/api/v1/uploads', body), 400, 'request.invalid');
    },
  );

  it('the message does not quote it', async () => {
    const message = expectError(await rig.call('POST', '/api/v1/uploads', '{"secret-name'), 400, 'request.invalid');
    expect(message).not.toContain('secret-name');
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'of type %s is 415: no page of another origin can send a request without a preflight',
    async (type) => {
      const body = JSON.stringify({ name: 'x', sizeBytes: 1, destinations: [{ id: 'folder' }] });
      expectError(await rig.call('POST', '/api/v1/uploads', body, { 'content-type': type }), 415, 'request.invalid');
    },
  );

  it('of more than 256 KiB is 413, told by its length', async () => {
    const body = JSON.stringify({ name: 'x'.repeat(256 * 1024) });
    const headers = { 'content-length': String(body.length) };
    expectError(await rig.call('POST', '/api/v1/uploads', body, headers), 413, 'request.too_large');
  });

  it('of more than 256 KiB is 413 also when its length is not told, and is not read to its end', async () => {
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent++;
        controller.enqueue(new Uint8Array(64 * 1024).fill(32));
      },
    });
    const answer = await rig.app.request('/api/v1/uploads', {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: endless,
      duplex: 'half',
    } as RequestInit);
    expect(answer.status).toBe(413);
    expect(sent).toBeLessThan(20);
  });
});
