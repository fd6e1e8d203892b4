/** What a page may do, and what it may read: with success, and with errors. */
import { flip } from '../bucket/support.ts';
import type { Check, Checks } from './check.ts';
import { newKey, PAGE, type Store } from './store.ts';

const STRANGER = 'https://stranger.example';

export const browserChecks: Checks = {
  'a page asks whether it may PUT with If-None-Match': preflight(PAGE, 'may'),
  'a page of another origin asks': preflight(STRANGER, 'may not'),
  'a page reads the answer of its PUT, and the ETag': {
    s3: '200, readable, with ETag',
    async ask(store) {
      const answer = await put(store, PAGE);
      const isExposed = /etag|\*/i.test(answer.headers.get('access-control-expose-headers') ?? '');
      return `${answer.status}, ${readable(answer, PAGE)}, ${isExposed ? 'with' : 'without'} ETag`;
    },
  },
  'a page of another origin PUTs': {
    s3: '200, opaque',
    async ask(store) {
      const answer = await put(store, STRANGER);
      return `${answer.status}, ${readable(answer, STRANGER)}`;
    },
  },
  'a page reads why a forged PUT was refused': {
    s3: '403, readable',
    async ask(store) {
      const answer = await put(store, PAGE, (url) =>
        url.searchParams.set('X-Amz-Signature', flip(url.searchParams.get('X-Amz-Signature') ?? '')),
      );
      return `${answer.status}, ${readable(answer, PAGE)}`;
    },
  },
  'a page reads that its write-once PUT met an object': {
    s3: '412, readable',
    async ask(store) {
      const key = newKey();
      await store.put(key, 'first');
      const answer = await put(store, PAGE, () => {}, key);
      return `${answer.status}, ${readable(answer, PAGE)}`;
    },
  },
};

function preflight(origin: string, s3: 'may' | 'may not'): Check {
  return {
    s3,
    async ask(store) {
      const answer = await fetch(store.url(newKey()), {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'PUT',
          'access-control-request-headers': 'if-none-match',
        },
      });
      await answer.arrayBuffer();
      const lists = ['access-control-allow-methods', 'access-control-allow-headers'].map((name) =>
        answer.headers.get(name),
      );
      const isAllowed = answer.ok && /PUT|\*/.test(lists[0] ?? '') && /if-none-match|\*/i.test(lists[1] ?? '');
      return isAllowed && readable(answer, origin) === 'readable' ? 'may' : 'may not';
    },
  };
}

async function put(store: Store, origin: string, bend: (url: URL) => void = () => {}, key = newKey()) {
  const signed = await store.presign(store.url(key), { method: 'PUT', headers: { 'if-none-match': '*' } });
  const url = new URL(signed.url);
  bend(url);
  const answer = await fetch(url, { method: 'PUT', headers: { 'if-none-match': '*', origin }, body: 'body' });
  await answer.arrayBuffer();
  return answer;
}

function readable(answer: Response, origin: string): 'readable' | 'opaque' {
  const allowed = answer.headers.get('access-control-allow-origin');
  return allowed === '*' || allowed === origin ? 'readable' : 'opaque';
}
