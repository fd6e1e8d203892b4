/** The store that is asked: through the SDK where a client would say it, through raw HTTP where none would. */
import { GetObjectCommand, PutObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { ulid } from 'ulid';
import { type S3Config, s3Client } from '#clients/s3/client.ts';
import {
  type Answer,
  type Outgoing,
  presign as presignAs,
  type SignOptions,
  send,
  signHeaders as signHeadersAs,
} from '../bucket/support.ts';

export interface StoreAddress extends S3Config {
  readonly endpoint: string;
  /** It exists, and lets pages of `PAGE` in. */
  readonly bucket: string;
}

/** The origin of a page that may put. */
export const PAGE = 'https://page.example';

export interface Store {
  readonly address: StoreAddress;
  readonly bucket: string;
  readonly s3: S3Client;
  /** Path-style, percent-encoded. */
  url(key: string, query?: string): URL;
  presign(url: URL, options?: SignOptions): Promise<Outgoing>;
  sign(url: URL, options?: SignOptions): Promise<Outgoing>;
  put(key: string, body: Uint8Array | string): Promise<void>;
  /** Null when nothing is there. */
  get(key: string): Promise<Buffer | null>;
  end(): void;
}

export function storeAt(address: StoreAddress): Store {
  const { endpoint, bucket, region, accessKeyId, secretAccessKey } = address;
  const s3 = s3Client(address);
  const signing = { region, accessKeyId, secretAccessKey };
  return {
    address,
    bucket,
    s3,
    url: (key, query = '') =>
      new URL(`${endpoint}/${bucket}/${key.split('/').map(encodeURIComponent).join('/')}${query}`),
    presign: (url, options = {}) => presignAs(url, { ...signing, ...options }),
    sign: (url, options = {}) => signHeadersAs(url, { ...signing, ...options }),
    async put(key, body) {
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    },
    async get(key) {
      try {
        const { Body: body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        return Buffer.from((await body?.transformToByteArray()) ?? []);
      } catch (error) {
        if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return null;
        throw error;
      }
    },
    end: () => s3.destroy(),
  };
}

/** A key of nobody else's, so that a store that outlives the probe may be asked again. */
export function newKey(name = 'object'): string {
  return `probe/${ulid()}/${name}`;
}

/** `403 SignatureDoesNotMatch`; a success is its status alone. */
export function said({ status, code }: Pick<Answer, 'status' | 'code'>): string {
  return code === undefined ? String(status) : `${status} ${code}`;
}

/** Sends, and says also when a write that was refused has stored something. */
export async function saidOfWrite(
  store: Store,
  key: string,
  outgoing: Outgoing,
  body: Buffer | string = 'body',
): Promise<string> {
  const answer = await send(outgoing, body);
  const isRefused = answer.status >= 300;
  return isRefused && (await store.get(key)) !== null ? `${said(answer)}, and stored it` : said(answer);
}

/** The same words for what the SDK was told. */
export async function saidTo(
  work: Promise<{ readonly $metadata: { readonly httpStatusCode?: number } }>,
): Promise<string> {
  try {
    return String((await work).$metadata.httpStatusCode);
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    return `${error.$metadata.httpStatusCode} ${error.name}`;
  }
}

/** `YYYYMMDDTHHMMSSZ` */
export function datetime(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '');
}
