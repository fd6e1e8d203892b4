/** S3 clients that others wrote, each told to put a whole folder: second signers, with habits of their own. */
import { execFile } from 'node:child_process';
import { open, readdir, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { havePrograms } from './apt.ts';

export interface ForeignStore {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface ForeignPut {
  readonly store: ForeignStore;
  /** What lies in it is put below `prefix`, subfolders and all. */
  readonly folder: string;
  /** Ends with a slash. */
  readonly prefix: string;
  /** For a client's own files; empty. */
  readonly scratch: string;
}

export interface ForeignClient {
  readonly name: string;
  /** Rejects with what the client wrote, when it fails. */
  putFolder(put: ForeignPut): Promise<void>;
}

const CLIENT_TIMEOUT_MS = 240_000;
const SDK_PART_BYTES = 16 * 1024 * 1024;

const run = promisify(execFile);

/** Those that are there or can be installed; the others are told of, and with `CI=true` it throws. */
export async function foreignClients(): Promise<readonly ForeignClient[]> {
  const there: ForeignClient[] = [sdk];
  for (const { client, binary, debian } of PROGRAMS) {
    const purpose = `files put by ${client.name}`;
    if (await havePrograms({ purpose, binaries: [binary], packages: [debian] })) there.push(client);
  }
  return there;
}

/** As an application would use it: with its own defaults, checksums included. */
const sdk: ForeignClient = {
  name: 'sdk',
  async putFolder({ store, folder, prefix }) {
    const { endpoint, region, bucket, accessKeyId, secretAccessKey } = store;
    const s3 = new S3Client({
      endpoint,
      region,
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    });
    try {
      for (const path of await filesBelow(folder)) {
        await putFile(s3, { Bucket: bucket, Key: prefix + relative(folder, path) }, path);
      }
    } finally {
      s3.destroy();
    }
  },
};

const awsCli: ForeignClient = {
  name: 'aws-cli',
  async putFolder({ store, folder, prefix }) {
    const target = `s3://${store.bucket}/${prefix}`;
    const args = ['--endpoint-url', store.endpoint, '--no-progress', '--only-show-errors'];
    await runClient('aws', ['s3', 'cp', '--recursive', ...args, folder, target], {
      AWS_ACCESS_KEY_ID: store.accessKeyId,
      AWS_SECRET_ACCESS_KEY: store.secretAccessKey,
      AWS_DEFAULT_REGION: store.region,
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
    });
  },
};

const rclone: ForeignClient = {
  name: 'rclone',
  async putFolder({ store, folder, prefix }) {
    const args = ['--s3-provider', 'Other', '--s3-upload-cutoff', '100M', '--s3-chunk-size', '16M'];
    await runClient('rclone', ['copy', ...args, folder, `:s3:${store.bucket}/${prefix}`], {
      RCLONE_CONFIG: '/dev/null',
      RCLONE_S3_ENDPOINT: store.endpoint,
      RCLONE_S3_REGION: store.region,
      RCLONE_S3_ACCESS_KEY_ID: store.accessKeyId,
      RCLONE_S3_SECRET_ACCESS_KEY: store.secretAccessKey,
    });
  },
};

const s3cmd: ForeignClient = {
  name: 's3cmd',
  async putFolder({ store, folder, prefix, scratch }) {
    const { host } = new URL(store.endpoint);
    const config = join(scratch, 's3cfg');
    const lines = {
      access_key: store.accessKeyId,
      secret_key: store.secretAccessKey,
      bucket_location: store.region,
      host_base: host,
      host_bucket: host,
      use_https: 'False',
      progress_meter: 'False',
    };
    const text = Object.entries(lines).map(([name, value]) => `${name} = ${value}\n`);
    await writeFile(config, `[default]\n${text.join('')}`, { mode: 0o600 });
    const target = `s3://${store.bucket}/${prefix}`;
    await runClient('s3cmd', ['-c', config, '--quiet', 'put', '--recursive', `${folder}/`, target], {});
  },
};

const PROGRAMS = [
  { client: awsCli, binary: 'aws', debian: 'awscli' },
  { client: rclone, binary: 'rclone', debian: 'rclone' },
  { client: s3cmd, binary: 's3cmd', debian: 's3cmd' },
] as const;

/** Without what the surroundings say to such clients: a certificate bundle for one of them is an error in another. */
async function runClient(
  command: string,
  args: readonly string[],
  own: Readonly<Record<string, string>>,
): Promise<void> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(AWS_|RCLONE_|.*_proxy$)/i.test(name));
  const env = { ...Object.fromEntries(inherited), LC_ALL: 'C.UTF-8', ...own };
  try {
    await run(command, [...args], { env, timeout: CLIENT_TIMEOUT_MS });
  } catch (error) {
    const wrote = error instanceof Error && 'stderr' in error ? String(error.stderr).slice(-2000) : '';
    throw new Error(`${command} failed: ${wrote}`, { cause: error });
  }
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function putFile(s3: S3Client, object: { readonly Bucket: string; readonly Key: string }, path: string) {
  const { size } = await stat(path);
  await using file = await open(path);
  const read = async (start: number, sizeBytes: number): Promise<Uint8Array> => {
    const { buffer } = await file.read(Buffer.alloc(sizeBytes), 0, sizeBytes, start);
    return buffer;
  };
  if (size < 4 * SDK_PART_BYTES) {
    await s3.send(new PutObjectCommand({ ...object, Body: await read(0, size) }));
    return;
  }
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand(object));
  const parts: { PartNumber: number; ETag: string | undefined; ChecksumCRC32: string | undefined }[] = [];
  for (let start = 0; start < size; start += SDK_PART_BYTES) {
    const PartNumber = parts.length + 1;
    const Body = await read(start, Math.min(SDK_PART_BYTES, size - start));
    const { ETag, ChecksumCRC32 } = await s3.send(new UploadPartCommand({ ...object, UploadId, PartNumber, Body }));
    parts.push({ PartNumber, ETag, ChecksumCRC32 });
  }
  await s3.send(new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload: { Parts: parts } }));
}
