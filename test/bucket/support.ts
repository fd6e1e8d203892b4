/** A bucket server in a folder of its own, and clients for it: the SDK, presigned URLs, and raw HTTP for what no client would send. */
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { AwsV4Signer } from 'aws4fetch';
import { type Bucket, type BucketOptions, startBucket } from '#adapters/bucket/server.ts';

export const BUCKET = 'staging';
export const REGION = 'us-east-1';
export const CREDENTIAL = { accessKeyId: 'test-key', secretAccessKey: 'test-secret-of-some-length' };

export interface Harness {
  readonly server: Bucket;
  readonly dataDir: string;
  readonly s3: S3Client;
  /** Path-style URL of an object, percent-encoded. */
  url(key: string, query?: string): URL;
  stop(): Promise<void>;
}

export async function startHarness(options: Partial<BucketOptions> = {}): Promise<Harness> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'bucket-')));
  const server = await startBucket({
    dataDir,
    host: '127.0.0.1',
    port: 0,
    bucket: BUCKET,
    region: REGION,
    credentials: [CREDENTIAL],
    allowedOrigins: ['http://localhost:8000'],
    onError: (error) => {
      throw error;
    },
    ...options,
  });
  const s3 = sdkClient(server.url);
  return {
    server,
    dataDir,
    s3,
    url: (key, query = '') =>
      new URL(`${server.url}/${BUCKET}/${key.split('/').map(encodeURIComponent).join('/')}${query}`),
    async stop() {
      s3.destroy();
      await server.close();
      await rm(dataDir, { recursive: true });
    },
  };
}

/** Without retries, so that a test sees every answer. */
export function sdkClient(endpoint: string, config: S3ClientConfig = {}): S3Client {
  return new S3Client({
    endpoint,
    region: REGION,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: CREDENTIAL,
    ...config,
  });
}

export interface SignOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly signQuery?: boolean;
  readonly expiresSeconds?: number;
  readonly secretAccessKey?: string;
  readonly accessKeyId?: string;
  readonly region?: string;
  /** `YYYYMMDDTHHMMSSZ` */
  readonly datetime?: string;
}

/** A request signed in its headers, to be sent as it is or bent out of shape first. */
export async function signHeaders(url: URL, options: SignOptions = {}): Promise<Outgoing> {
  return sign(url, { ...options, signQuery: false });
}

/** A presigned URL with the headers that its sender has to send; all of them are signed. */
export async function presign(url: URL, options: SignOptions = {}): Promise<Outgoing> {
  const target = new URL(url);
  target.searchParams.set('X-Amz-Expires', String(options.expiresSeconds ?? 300));
  return sign(target, { ...options, signQuery: true });
}

export interface Outgoing {
  readonly method: string;
  readonly url: URL;
  readonly headers: Record<string, string>;
}

async function sign(url: URL, options: SignOptions): Promise<Outgoing> {
  const signer = new AwsV4Signer({
    ...CREDENTIAL,
    region: REGION,
    service: 's3',
    url: url.href,
    method: 'GET',
    allHeaders: true,
    ...options,
  });
  const signed = await signer.sign();
  return { method: signed.method, url: signed.url, headers: Object.fromEntries(signed.headers) };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  /** The `<Code>` of an error document. */
  readonly code: string | undefined;
}

/** Sends exactly this: no header is added but Host and the length of a body that has none. */
export function send(outgoing: Outgoing, body?: Buffer | string | readonly Buffer[]): Promise<Answer> {
  const { method, url, headers } = outgoing;
  const pieces = body === undefined ? [] : Array.isArray(body) ? body : [Buffer.from(body as Buffer)];
  const sizeBytes = pieces.reduce((sum: number, piece: Buffer) => sum + piece.length, 0);
  const isSized = Object.keys(headers).some((name) => /^(content-length|transfer-encoding)$/i.test(name));
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        method,
        hostname: url.hostname,
        port: url.port,
        path: `${url.pathname}${url.search}`,
        headers: isSized || body === undefined ? headers : { ...headers, 'content-length': sizeBytes },
        agent: false,
      },
      (response) => {
        const received: Buffer[] = [];
        response.on('data', (chunk: Buffer) => received.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const all = Buffer.concat(received);
          const text = all.toString('utf8');
          const code = /<Code>(.*?)<\/Code>/.exec(text)?.[1];
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: all, text, code });
        });
      },
    );
    request.on('error', reject);
    for (const piece of pieces) request.write(piece);
    request.end();
  });
}

export function authorizationOf(outgoing: Outgoing): string {
  const { authorization = '' } = outgoing.headers;
  return authorization;
}

/** Replaces one character, so that a value stays well-formed and becomes another. */
export function flip(text: string): string {
  const last = text.at(-1) === '0' ? '1' : '0';
  return text.slice(0, -1) + last;
}
