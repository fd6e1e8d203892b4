/**
 * The CRC of a concatenation, from the CRCs of its pieces and their lengths, so that a full-object checksum of a
 * multipart upload needs no byte read again. Holds for CRCs whose initial value equals their final XOR, as all of these do.
 *
 * Appending n zero bytes multiplies the remainder by x^(8n) modulo the polynomial; bits are reflected, so the highest
 * bit stands for x^0.
 */

/** `crc64` is the ECMA polynomial, as Aliyun OSS has it; `crc64nvme` that of S3. */
export type CrcAlgorithm = 'crc32' | 'crc32c' | 'crc64' | 'crc64nvme';

/** Digests are big-endian. Sizes in bytes. */
export function combineCrc(
  algorithm: CrcAlgorithm,
  pieces: readonly { readonly digest: Buffer; readonly sizeBytes: number }[],
): Buffer {
  const field = FIELDS[algorithm];
  // Parts of an upload nearly always share one size, and a power costs a hundred times what a product does.
  const powers = new Map<number, bigint>();
  let total = 0n;
  for (const { digest, sizeBytes } of pieces) {
    const shift = powers.get(sizeBytes) ?? powerOfX(field, 8n * BigInt(sizeBytes));
    powers.set(sizeBytes, shift);
    total = product(field, total, shift) ^ BigInt(`0x${digest.toString('hex')}`);
  }
  return Buffer.from(total.toString(16).padStart(Number(field.bits) / 4, '0'), 'hex');
}

export function isCrc(algorithm: string): algorithm is CrcAlgorithm {
  return algorithm in FIELDS;
}

interface Field {
  readonly bits: bigint;
  readonly polynomial: bigint;
}

const FIELDS: Readonly<Record<CrcAlgorithm, Field>> = {
  crc32: { bits: 32n, polynomial: 0xedb88320n },
  crc32c: { bits: 32n, polynomial: 0x82f63b78n },
  crc64: { bits: 64n, polynomial: 0xc96c5795d7870f42n },
  crc64nvme: { bits: 64n, polynomial: 0x9a6c9329ac4bc9b5n },
};

function product({ bits, polynomial }: Field, left: bigint, right: bigint): bigint {
  let result = 0n;
  let shifted = right;
  for (let bit = bits - 1n; bit >= 0n; bit -= 1n) {
    if ((left >> bit) & 1n) result ^= shifted;
    shifted = shifted & 1n ? (shifted >> 1n) ^ polynomial : shifted >> 1n;
  }
  return result;
}

function powerOfX(field: Field, exponent: bigint): bigint {
  let result = 1n << (field.bits - 1n);
  let square = 1n << (field.bits - 2n);
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = product(field, result, square);
    square = product(field, square, square);
  }
  return result;
}
