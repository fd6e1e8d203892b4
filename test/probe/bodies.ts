/** What a store does with a body that is not what its request says. */
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { send } from '../bucket/support.ts';
import type { Checks } from './check.ts';
import { newKey, type Store, said, saidOfWrite, saidTo } from './store.ts';

export const bodyChecks: Checks = {
  'a body that is not the one whose SHA-256 was signed': {
    s3: '400 XAmzContentSHA256Mismatch',
    ask: (store) => signedPut(store, { 'x-amz-content-sha256': '0'.repeat(64) }),
  },
  'a body that is not the one of its Content-MD5': {
    s3: '400 BadDigest',
    ask: (store) => signedPut(store, { 'content-md5': '1B2M2Y8AsgTpgAmY7PhCfg==' }),
  },
  'a body that is not the one of its x-amz-checksum-crc32': {
    s3: '400 BadDigest',
    ask: (store) => signedPut(store, { 'x-amz-checksum-crc32': 'AAAAAA==' }),
  },
  'the checksum of an empty body that a presigner put into the URL of another': {
    s3: '400 BadDigest',
    async ask(store) {
      const key = newKey();
      const url = store.url(key, '?x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32');
      return saidOfWrite(store, key, await store.presign(url, { method: 'PUT' }));
    },
  },
  'a right CRC64NVME comes back with the object': {
    s3: '200, and returned',
    async ask(store) {
      const Key = newKey();
      // The check value of its catalogue, of the digits 1 to 9.
      const ChecksumCRC64NVME = Buffer.from('ae8b14860a799888', 'hex').toString('base64');
      const put = { Bucket: store.bucket, Key, Body: '123456789', ChecksumCRC64NVME };
      const answer = await saidTo(store.s3.send(new PutObjectCommand(put)));
      const head = await store.s3.send(new HeadObjectCommand({ Bucket: store.bucket, Key, ChecksumMode: 'ENABLED' }));
      return `${answer}, and ${head.ChecksumCRC64NVME === ChecksumCRC64NVME ? 'returned' : 'not returned'}`;
    },
  },
  'a stream of the SDK in aws-chunked framing with a checksum behind it': {
    s3: '200, intact',
    async ask(store) {
      const key = newKey();
      const bytes = randomBytes(200_000);
      const answer = await saidTo(
        store.s3.send(
          new PutObjectCommand({
            Bucket: store.bucket,
            Key: key,
            Body: Readable.from([bytes.subarray(0, 70_000), bytes.subarray(70_000)]),
            ContentLength: bytes.length,
            ChecksumAlgorithm: 'CRC32',
          }),
        ),
      );
      const stored = await store.get(key);
      return stored === null ? answer : `${answer}, ${stored.equals(bytes) ? 'intact' : 'corrupted'}`;
    },
  },
  'a PUT that does not say its length': {
    s3: '411 MissingContentLength',
    async ask(store) {
      const key = newKey();
      const signed = await store.presign(store.url(key), { method: 'PUT' });
      return saidOfWrite(store, key, { ...signed, headers: { 'transfer-encoding': 'chunked' } });
    },
  },
  'a PUT that hangs up in the middle of its body': {
    s3: 'nothing stored',
    async ask(store) {
      const key = newKey();
      const { url } = await store.presign(store.url(key), { method: 'PUT' });
      await hangUp(url);
      // Whatever is asked on another connection comes after the end of that one, or soon after.
      for (let looks = 0; looks < 5; looks++) if ((await store.get(key)) !== null) return 'stored';
      return 'nothing stored';
    },
  },
  'an empty body': {
    s3: '200, 0 bytes',
    async ask(store) {
      const key = newKey();
      const answer = await send(await store.sign(store.url(key), { method: 'PUT' }), '');
      return `${said(answer)}, ${(await store.get(key))?.length} bytes`;
    },
  },
};

async function signedPut(store: Store, headers: Record<string, string>): Promise<string> {
  const key = newKey();
  return saidOfWrite(store, key, await store.sign(store.url(key), { method: 'PUT', headers }));
}

/** Announces a hundred bytes, sends ten, and is gone. */
function hangUp(url: URL): Promise<void> {
  return new Promise((resolve) => {
    const outgoing = request(url, { method: 'PUT', headers: { 'content-length': 100 }, agent: false });
    outgoing.on('error', () => resolve());
    outgoing.on('close', () => resolve());
    outgoing.write(Buffer.alloc(10), () => outgoing.destroy());
  });
}
