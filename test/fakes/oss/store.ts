/** What the fake OSS keeps: objects and unfinished uploads, in memory, with a bound. */
import { createHash, randomBytes } from 'node:crypto';
import { createCRC64, type IHasher } from 'hash-wasm';
import { refuse } from './refusal.ts';

export interface StoredObject {
  readonly bytes: Buffer;
  /** Upper-case hex, without quotes; `-N` behind it for N parts that were put in any order. */
  readonly etag: string;
  /** An unsigned 64-bit number in decimal. */
  readonly crc64: string;
  readonly contentType: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly modifiedAtMs: number;
}

export interface StoredPart {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly crc64: string;
  readonly modifiedAtMs: number;
}

export interface Upload {
  readonly id: string;
  readonly key: string;
  readonly order: 'any' | 'sequential';
  readonly contentType: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly begunAtMs: number;
  readonly parts: Map<number, StoredPart>;
}

export interface Store {
  readonly objects: Map<string, StoredObject>;
  readonly uploads: Map<string, Upload>;
  /** What the bucket is set to, as XML. */
  readonly rules: Map<'cors' | 'lifecycle', string>;
  readonly crc64: (bytes: Uint8Array) => string;
  readonly now: () => number;
  /** Throws 409 FileAlreadyExists at the moment of writing, as OSS does: of two that race, one is written. */
  write(
    key: string,
    object: Omit<StoredObject, 'crc64' | 'modifiedAtMs'>,
    overwrite: 'allowed' | 'forbidden',
  ): StoredObject;
  begin(upload: Omit<Upload, 'id' | 'begunAtMs' | 'parts'>): Upload;
  upload(key: string, id: string | null): Upload;
  putPart(upload: Upload, number: number, bytes: Buffer): StoredPart;
}

/** Tests use small files: whoever goes past this has made a mistake. */
const HELD_BYTES_MAX = 512 * 1024 * 1024;

/** A bucket with versions takes no notice of `x-oss-forbid-overwrite`. */
export async function memoryStore(now: () => number, versions: 'off' | 'on' = 'off'): Promise<Store> {
  const hasher = await createCRC64();
  const objects = new Map<string, StoredObject>();
  const uploads = new Map<string, Upload>();
  const crc64 = (bytes: Uint8Array) => decimalCrc(hasher, bytes);
  return {
    objects,
    uploads,
    rules: new Map(),
    crc64,
    now,
    write: (key, object, overwrite) => {
      if (versions === 'off' && overwrite === 'forbidden' && objects.has(key)) {
        refuse(409, 'FileAlreadyExists', 'The object you specified already exists and can not be overwritten.');
      }
      assertRoom(objects, uploads, object.bytes.length);
      const stored = { ...object, crc64: crc64(object.bytes), modifiedAtMs: now() };
      objects.set(key, stored);
      return stored;
    },
    begin: (begun) => {
      const upload = {
        ...begun,
        id: randomBytes(16).toString('hex').toUpperCase(),
        begunAtMs: now(),
        parts: new Map(),
      };
      uploads.set(upload.id, upload);
      return upload;
    },
    upload: (key, id) => {
      const upload = uploads.get(id ?? '');
      if (upload?.key !== key) refuse(404, 'NoSuchUpload', 'The specified upload does not exist.');
      return upload;
    },
    putPart: (upload, number, bytes) => {
      if (upload.order === 'sequential') assertNext(upload, number);
      assertRoom(objects, uploads, bytes.length);
      const part = { bytes, etag: md5(bytes), crc64: crc64(bytes), modifiedAtMs: now() };
      upload.parts.set(number, part);
      return part;
    },
  };
}

export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex').toUpperCase();
}

function assertNext({ parts }: Upload, number: number): void {
  const stored = parts.get(number);
  if (stored) {
    refuse(409, 'PartAlreadyExist', "For sequential multipart upload, you can't overwrite uploaded parts.", {
      EC: '0042-00000108',
      PartNumber: String(number),
      PartEtag: `"${stored.etag}"`,
    });
  }
  if (number !== parts.size + 1) {
    refuse(409, 'PartNotSequential', 'For sequential multipart upload, you must upload parts in order.');
  }
}

function assertRoom(objects: Store['objects'], uploads: Store['uploads'], moreBytes: number): void {
  let heldBytes = moreBytes;
  for (const { bytes } of objects.values()) heldBytes += bytes.length;
  for (const { parts } of uploads.values()) for (const { bytes } of parts.values()) heldBytes += bytes.length;
  if (heldBytes > HELD_BYTES_MAX) throw new Error('the fake OSS was made for small files');
}

function decimalCrc(hasher: IHasher, bytes: Uint8Array): string {
  return BigInt(`0x${hasher.init().update(bytes).digest('hex')}`).toString();
}
