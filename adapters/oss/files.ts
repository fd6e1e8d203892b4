/** Files that stay in a bucket of OSS. */
import type { OssClient } from '#clients/oss/client.ts';
import { putPart } from '#clients/oss/multipart.ts';
import { deleteObject, headObject, putBytes } from '#clients/oss/objects.ts';
import { bodyOf } from '#clients/oss/transport.ts';
import type { Files } from '#core/ports/files.ts';
import { attachment } from '#core/wire/disposition.ts';
import { tagOf } from './multipart.ts';
import { type OssPresignConfig, presigner } from './presign.ts';
import { short } from './staging.ts';

/** Faults: those of `ossStagingSource`; bug `staging.ttl` outside 1 s to 7 days. `client` is of the same bucket as `config`. */
export function ossFiles(client: OssClient, config: OssPresignConfig): Files {
  const sign = presigner(config);
  return {
    presignPut: async ({ key, contentType, sizeBytes, ttlSeconds }) => {
      const headers = { 'content-type': contentType };
      const length = sizeBytes === null ? {} : { 'content-length': String(sizeBytes) };
      return { ...(await sign({ method: 'PUT', key, headers: { ...headers, ...length }, ttlSeconds })), headers };
    },
    presignGet: ({ key, fileName, ttlSeconds }) =>
      sign({
        method: 'GET',
        key,
        headers: {},
        query: { 'response-content-disposition': attachment(fileName) },
        ttlSeconds,
      }),
    put: ({ key, contentType }, bytes) =>
      short((signal) => putBytes(client, { key, bytes, headers: { 'content-type': contentType } }, signal)),
    putPart: async ({ key, storeId: uploadId, number }, bytes) => {
      const { md5 } = await short((signal) => putPart(client, { key, uploadId, number, body: bodyOf(bytes) }, signal));
      return { tag: tagOf(md5) };
    },
    head: async (key) => {
      const head = await short((signal) => headObject(client, key, signal));
      if (head === null) return null;
      const { etag: version, sizeBytes, contentType, modifiedAtMs } = head;
      return { version, sizeBytes, contentType, modifiedAtMs };
    },
    remove: (key) => short((signal) => deleteObject(client, key, signal)),
  };
}
