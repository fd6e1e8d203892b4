/** What OSS says of a part or an object, computed by us while the bytes pass. */
import { createHash } from 'node:crypto';
import { crcHasher } from '#hashing';

/** Lower-case hex; the CRC is the ECMA one. */
export interface Sums {
  readonly md5: string;
  readonly crc64: string;
}

export interface Summing {
  readonly stream: ReadableStream<Uint8Array>;
  /** To be asked once, after the stream has ended. */
  sums(): Sums;
}

/** The same pieces, one per pull. */
export async function summing(source: ReadableStream<Uint8Array>): Promise<Summing> {
  const md5 = createHash('md5');
  const crc64 = await crcHasher('crc64');
  const reader = source.getReader();
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        md5.update(value);
        crc64.update(value);
        controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return { stream, sums: () => ({ md5: md5.digest('hex'), crc64: crc64.digest('hex') }) };
}

/** As 16 digits of hex. */
export async function crc64Of(bytes: Uint8Array): Promise<string> {
  const crc64 = await crcHasher('crc64');
  crc64.update(bytes);
  return crc64.digest('hex');
}

/** `"9E107D9D…"` as OSS has it, or its like without quotes. */
export function md5OfEtag(etag: string): string {
  return etag.replaceAll('"', '').toLowerCase();
}

/** From the unsigned decimal number of `x-oss-hash-crc64ecma`; null when there is none. */
export function crc64OfHeader(header: string | readonly string[] | undefined): string | null {
  const text = String(header ?? '');
  return /^\d{1,20}$/.test(text) ? BigInt(text).toString(16).padStart(16, '0') : null;
}
