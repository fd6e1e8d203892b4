/** The little of ali-oss that the client uses, by ourselves: in a Worker its bundle is the browser's, of 1.7 MB. */
import { createHash } from 'node:crypto';
import type { LibraryRequest, LibraryWith } from '../oss/library.ts';
import { bucketAddress } from '../oss/presign.ts';
import type { Delivery } from '../oss/transport.ts';
import { ALGORITHM, ALWAYS_SIGNED, byName, canonicalQuery, scopeAt, signatureOf } from '../oss/v4.ts';
import { uriPath } from '../uri.ts';
import { readXml } from './xml.ts';

export const libraryWith: LibraryWith = async (place, keys, carrier) => ({
  request: async (request) => {
    const { endpoint, forcePathStyle, region } = place;
    const { bucket, object = '', subres = {} } = request;
    const scope = scopeAt(Date.now(), region.replace(/^oss-/, ''));
    const headers: Record<string, string> = {
      ...request.headers,
      'x-oss-date': scope.date,
      'x-oss-content-sha256': 'UNSIGNED-PAYLOAD',
      ...(keys.stsToken === undefined ? {} : { 'x-oss-security-token': keys.stsToken }),
      ...(request.content === undefined ? {} : { 'content-md5': md5(request.content) }),
    };
    const query = canonicalQuery(subres);
    const signature = signatureOf(canonicalOf(request, query, headers), scope, keys.accessKeySecret);
    const authorization = `${ALGORITHM} Credential=${keys.accessKeyId}/${scope.scope},Signature=${signature}`;
    const address = bucketAddress({ endpoint, bucketIn: forcePathStyle === true ? 'path' : 'host', bucket });
    const url = `${address}${uriPath(`/${object}`)}${query === '' ? '' : `?${query}`}`;
    const delivery = await carrier.request(url, { headers: { ...headers, authorization } });
    if (!request.successStatuses.includes(delivery.status)) throw refusalIn(delivery);
    return { data: request.xmlResponse ? readXml(delivery.data.toString()) : delivery.data };
  },
});

function canonicalOf(
  { method, bucket, object = '' }: LibraryRequest,
  query: string,
  headers: Readonly<Record<string, string>>,
): string {
  const signed = Object.entries(headers)
    .filter(([name]) => ALWAYS_SIGNED.test(name))
    .sort(byName)
    .map(([name, value]) => `${name}:${value.trim()}\n`);
  return [method, uriPath(`/${bucket}/${object}`), query, signed.join(''), '', 'UNSIGNED-PAYLOAD'].join('\n');
}

/** Some answers have no body to say more in. */
const BY_STATUS: ReadonlyMap<number, string> = new Map([
  [404, 'NoSuchKey'],
  [412, 'PreconditionFailed'],
]);

function refusalIn({ status, headers, data }: Delivery): Error {
  const document = data.length === 0 ? { Code: BY_STATUS.get(status) } : readXml(data.toString());
  const field = (name: string): string | undefined => {
    const value: unknown = typeof document === 'object' && document !== null ? Reflect.get(document, name) : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  const requestId = field('RequestId') ?? headers['x-oss-request-id'];
  return Object.assign(new Error(field('Message') ?? `HTTP ${status}`), { code: field('Code'), requestId });
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('base64');
}
