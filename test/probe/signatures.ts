/** Who may pass, and what a signature covers: each is an attack, unless it says otherwise. */
import { flip, send } from '../bucket/support.ts';
import type { Check, Checks } from './check.ts';
import { datetime, newKey, type Store, said, saidOfWrite } from './store.ts';

const MINUTE_MS = 60_000;
const FORGED = '403 SignatureDoesNotMatch';

export const signatureChecks: Checks = {
  'a well-signed GET passes, in headers and in the URL': {
    s3: '200 and 200',
    async ask(store) {
      const url = await known(store);
      return `${said(await send(await store.sign(url)))} and ${said(await send(await store.presign(url)))}`;
    },
  },
  'a GET signed with a wrong secret': {
    s3: FORGED,
    ask: async (store) => said(await send(await store.sign(await known(store), { secretAccessKey: 'another' }))),
  },
  'a GET signed by an unknown key': {
    s3: '403 InvalidAccessKeyId',
    ask: async (store) => said(await send(await store.sign(await known(store), { accessKeyId: 'nobody' }))),
  },
  'an anonymous GET': {
    s3: '403 AccessDenied',
    ask: async (store) => said(await send({ method: 'GET', url: await known(store), headers: {} })),
  },
  'an anonymous PUT': {
    s3: '403 AccessDenied',
    async ask(store) {
      const key = newKey();
      return saidOfWrite(store, key, { method: 'PUT', url: store.url(key), headers: {} });
    },
  },
  'an anonymous listing': {
    s3: '403 AccessDenied',
    ask: async (store) =>
      said(await send({ method: 'GET', url: new URL(`${store.address.endpoint}/${store.bucket}`), headers: {} })),
  },
  'a presigned PUT made with a wrong secret': presignedPut({ sign: { secretAccessKey: 'another' } }),
  'a presigned PUT bent to another key': presignedPut({
    bend: (url) => {
      url.pathname = url.pathname.replace(/object$/, 'abject');
    },
  }),
  'a presigned part PUT bent to another part number': presignedPut({
    query: '?partNumber=1&uploadId=none',
    bend: (url) => url.searchParams.set('partNumber', '2'),
  }),
  'a presigned PUT with a parameter more': presignedPut({ bend: (url) => url.searchParams.set('x-amz-meta-a', '1') }),
  'a presigned PUT with its life prolonged': presignedPut({
    bend: (url) => url.searchParams.set('X-Amz-Expires', '900'),
  }),
  'a presigned PUT with a bent signature': presignedPut({
    bend: (url) => url.searchParams.set('X-Amz-Signature', flip(url.searchParams.get('X-Amz-Signature') ?? '')),
  }),
  'a presigned PUT used for a DELETE': {
    s3: FORGED,
    async ask(store) {
      const key = newKey();
      await store.put(key, 'stays');
      const outgoing = await store.presign(store.url(key), { method: 'PUT' });
      const answer = await send({ ...outgoing, method: 'DELETE' });
      return (await store.get(key)) === null ? `${said(answer)}, and deleted it` : said(answer);
    },
  },
  'a presigned PUT whose time is over': {
    s3: '403 AccessDenied',
    ask: presignedPut({ sign: { datetime: () => datetime(Date.now() - 10 * MINUTE_MS) } }).ask,
  },
  'a presigned PUT from an hour ahead': {
    s3: '403 AccessDenied',
    ask: presignedPut({ sign: { datetime: () => datetime(Date.now() + 60 * MINUTE_MS) } }).ask,
  },
  'a presigned PUT that would live for more than seven days': {
    s3: '400 AuthorizationQueryParametersError',
    ask: presignedPut({ sign: { expiresSeconds: 604_801 } }).ask,
  },
  'a GET whose signature is twenty minutes old': {
    s3: '403 RequestTimeTooSkewed',
    ask: async (store) =>
      said(await send(await store.sign(await known(store), { datetime: datetime(Date.now() - 20 * MINUTE_MS) }))),
  },
  'a GET signed for another region': {
    s3: '400 AuthorizationHeaderMalformed',
    ask: async (store) => said(await send(await store.sign(await known(store), { region: 'mars-north-1' }))),
  },
  'a presigned PUT without its signed If-None-Match': presignedPut({
    sign: { headers: { 'if-none-match': '*' } },
    headers: {},
  }),
  'a presigned PUT with another body length than the signed one': presignedPut({
    sign: { headers: { 'content-length': '10' } },
    headers: { 'content-length': '4' },
  }),
  'a presigned PUT with an x-amz-* header that is not signed': {
    s3: '403 AccessDenied',
    ask: presignedPut({ headers: { 'x-amz-meta-a': '1' } }).ask,
  },
  'no attack: a presigned PUT with a Content-Type that a browser adds': {
    s3: '200',
    ask: presignedPut({ headers: { 'content-type': 'text/plain' } }).ask,
  },
  'a write-once presigned PUT, used again': {
    s3: '200, then 412 PreconditionFailed',
    async ask(store) {
      const key = newKey();
      const outgoing = await store.presign(store.url(key), { method: 'PUT', headers: { 'if-none-match': '*' } });
      const first = said(await send(outgoing, 'first'));
      const second = said(await send(outgoing, 'again'));
      const kept = (await store.get(key))?.toString();
      return `${first}, then ${second}${kept === 'again' ? ', and it replaced the first' : ''}`;
    },
  },
};

async function known(store: Store): Promise<URL> {
  const key = newKey();
  await store.put(key, 'known');
  return store.url(key);
}

interface Bent {
  readonly query?: string;
  readonly sign?: {
    readonly secretAccessKey?: string;
    readonly headers?: Record<string, string>;
    readonly expiresSeconds?: number;
    readonly datetime?: () => string;
  };
  readonly bend?: (url: URL) => void;
  /** Instead of the signed ones. */
  readonly headers?: Record<string, string>;
}

/** A presigned PUT of four bytes, bent out of shape after it was signed. */
function presignedPut({ query, sign = {}, bend, headers }: Bent): Check {
  return {
    s3: FORGED,
    async ask(store) {
      const key = newKey();
      const { datetime: at, ...options } = sign;
      const signed = await store.presign(store.url(key, query), {
        method: 'PUT',
        ...options,
        ...(at === undefined ? {} : { datetime: at() }),
      });
      const url = new URL(signed.url);
      bend?.(url);
      const outgoing = { method: 'PUT', url, headers: { ...(headers ?? signed.headers) } };
      return saidOfWrite(store, decodeURIComponent(url.pathname).split('/').slice(2).join('/'), outgoing);
    },
  };
}
