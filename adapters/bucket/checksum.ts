/**
 * The protocol's named checksums: how they are computed, and what a request claims about its body.
 * Values are base64 of the big-endian digest, as on the wire.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { createCRC32, createCRC64 } from 'hash-wasm';
import { S3Error } from './errors.ts';

export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

/** What is kept of an object or a part. A composite value is a checksum of the parts' checksums, with `-N` behind it. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  readonly value: string;
}

export interface Hasher {
  update(bytes: Uint8Array): void;
  /** Once only. */
  digest(): Buffer;
}

/** A checksum that a request announces: its value is in a header, or comes behind the body as a trailer. */
export interface ChecksumClaim {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string | undefined;
}

export const CHECKSUM_ALGORITHMS = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'] as const;

export async function checksumHasher(algorithm: ChecksumAlgorithm): Promise<Hasher> {
  switch (algorithm) {
    case 'crc32':
      return zlibCrc32();
    case 'crc32c':
      return wasmHasher(await createCRC32(0x82f63b78));
    case 'crc64nvme':
      return wasmHasher(await createCRC64('9a6c9329ac4bc9b5'));
    default:
      return createHash(algorithm);
  }
}

/** The algorithm behind a header value such as `CRC32C` or a header name such as `x-amz-checksum-crc32c`. */
export function checksumAlgorithm(name: string): ChecksumAlgorithm {
  const bare = name.toLowerCase().replace(/^x-amz-checksum-/, '');
  const found = CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === bare);
  if (found === undefined) throw new S3Error('InvalidRequest', `The checksum algorithm ${bare} is not supported.`);
  return found;
}

/**
 * The checksum that a request claims, if any. Throws InvalidRequest when there are several, when the value cannot be
 * one, or when the SDK's announcement has no value to go with it.
 */
export function claimedChecksum(header: (name: string) => string | undefined): ChecksumClaim | undefined {
  const inHeaders = CHECKSUM_ALGORITHMS.filter((algorithm) => header(`x-amz-checksum-${algorithm}`) !== undefined);
  const trailer = header('x-amz-trailer');
  const inTrailer = trailer === undefined ? [] : trailer.split(',').map((name) => checksumAlgorithm(name.trim()));
  const [algorithm, ...others] = [...inHeaders, ...inTrailer];
  if (others.length > 0) {
    throw new S3Error(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum types are not allowed.',
    );
  }
  const announced = header('x-amz-sdk-checksum-algorithm');
  if (announced !== undefined && algorithm !== checksumAlgorithm(announced)) {
    throw new S3Error(
      'InvalidRequest',
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    );
  }
  if (algorithm === undefined) return undefined;
  const value = header(`x-amz-checksum-${algorithm}`);
  if (value !== undefined && !isChecksumValue(algorithm, value)) {
    throw new S3Error('InvalidRequest', `Value for x-amz-checksum-${algorithm} header is invalid.`);
  }
  return { algorithm, value };
}

export function isChecksumValue(algorithm: ChecksumAlgorithm, value: string): boolean {
  const bytes = Buffer.from(value, 'base64');
  return bytes.length === DIGEST_BYTES[algorithm] && bytes.toString('base64') === value;
}

/** The name that a checksum has in documents: `ChecksumCRC32C`. */
export function checksumElement(algorithm: ChecksumAlgorithm): string {
  return `Checksum${algorithm.toUpperCase()}`;
}

export function checksumHeaders(checksum: Checksum | undefined): Record<string, string> {
  if (checksum === undefined) return {};
  return { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value, 'x-amz-checksum-type': checksum.type };
}

const DIGEST_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  crc32: 4,
  crc32c: 4,
  crc64nvme: 8,
  sha1: 20,
  sha256: 32,
};

function zlibCrc32(): Hasher {
  let value = 0;
  return {
    update: (bytes) => {
      value = crc32(bytes, value);
    },
    digest: () => {
      const out = Buffer.alloc(4);
      out.writeUInt32BE(value);
      return out;
    },
  };
}

function wasmHasher(wasm: Awaited<ReturnType<typeof createCRC32>>): Hasher {
  wasm.init();
  return {
    update: (bytes) => {
      wasm.update(bytes);
    },
    digest: () => Buffer.from(wasm.digest('binary')),
  };
}
