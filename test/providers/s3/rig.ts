/** An s3 destination in a folder of a bucket, and a look at its far side that does not go through the driver. */
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';
import * as z from 'zod';
import { systemClock } from '#adapters/system/clock.ts';
import { type S3Config, s3Client } from '#clients/s3/client.ts';
import type { StagingPlace } from '#core/ports/connection.ts';
import type { Item, PushProvider, Session } from '#core/ports/provider.ts';
import { s3Kind } from '#providers/s3/provider.ts';
import { type Connects, here, type PushRig } from '../../contract/push-rig.ts';
import { NO_STORE } from '../../support/no-store.ts';

export interface Store extends S3Config {
  readonly endpoint: string;
  readonly bucket: string;
}

export interface S3Rig extends PushRig, Disposable {
  /** As the test sees the store: never through what stands between. */
  readonly client: S3Client;
  readonly prefix: string;
  /** A driver with settings and credentials of its own. */
  connect(more?: { readonly settings?: object; readonly credentials?: object }): PushProvider;
  read(key: string): Promise<Uint8Array | null>;
  /** Of an object in the rig's folder. */
  remove(name: string): Promise<void>;
  keyOf(item: Pick<Item, 'folder' | 'name'>): string;
}

export interface RigOptions {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly staging?: StagingPlace;
  /** What the driver speaks to, when that is not the store itself. */
  readonly endpoint?: string;
  /** Where the driver runs; absent: here. */
  readonly connect?: Connects;
}

const UploadSession = z.object({ uploadId: z.string() });

let rigs = 0;

/** Each in a prefix of its own. */
export function s3Rig(store: Store, options: RigOptions = {}): S3Rig {
  rigs += 1;
  const prefix = `${process.pid}-${rigs}/`;
  const { bucket, accessKeyId, secretAccessKey } = store;
  const client = s3Client(store);
  const onConflict = options.settings?.['onConflict'] ?? 'replace';
  const keyOf: S3Rig['keyOf'] = ({ folder, name }) => `${prefix}${folder === '/' ? '' : `${folder.slice(1)}/`}${name}`;
  const read = (key: string) => readOrNull(client, bucket, key);
  const connect: S3Rig['connect'] = (more = {}) =>
    connectS3(
      {
        endpoint: options.endpoint ?? store.endpoint,
        region: store.region,
        bucket,
        prefix,
        ...options.settings,
        ...more.settings,
      },
      { accessKeyId, secretAccessKey, ...more.credentials },
      options,
    );
  return {
    client,
    prefix,
    connect,
    read,
    keyOf,
    remove: async (name) => {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: `${prefix}${name}` }));
    },
    provider: () => connect(),
    partBytes: 5 * 1024 ** 2,
    pathBytesMax: 1024 - prefix.length,
    sameName: onConflict === 'replace' ? 'last' : 'both',
    readBack: (item) => read(keyOf(item)),
    readReceipt: (_item, { location }) => read(location.replace(`s3://${bucket}/`, '')),
    listFarSide: () => listPrefix(client, bucket, prefix),
    expireSession: (session) => abort(client, bucket, prefix, session),
    failing: async () => ({ provider: connect({ settings: { bucket: 'no-such-bucket-here' } }), kind: 'auth' }),
    [Symbol.dispose]: () => client.destroy(),
  };
}

export function connectS3(
  settings: unknown,
  credentials: unknown,
  { staging = NO_STORE, connect = here }: Pick<RigOptions, 'staging' | 'connect'> = {},
): PushProvider {
  const handle = { read: async () => credentials, rotate: async () => credentials };
  const provider = connect(s3Kind, {
    destinationId: 'bucket',
    deviceId: '00112233445566778899aabbccddeeff',
    settings,
    credentials: handle,
    clock: systemClock(),
    staging,
  });
  if (provider.mode !== 'push') throw new Error('a bucket is pushed to');
  return provider;
}

async function abort(client: S3Client, bucket: string, prefix: string, session: Session): Promise<void> {
  const { uploadId: UploadId } = UploadSession.parse(session);
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }));
  const Key = Uploads.find((upload) => upload.UploadId === UploadId)?.Key;
  await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
}

/** Objects and unfinished uploads. */
async function listPrefix(client: S3Client, bucket: string, prefix: string): Promise<readonly string[]> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }));
  return [...Contents.map(({ Key }) => Key ?? ''), ...Uploads.map(({ Key }) => `unfinished ${Key}`)].sort();
}

async function readOrNull(client: S3Client, bucket: string, key: string): Promise<Uint8Array | null> {
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return (await Body?.transformToByteArray()) ?? null;
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchKey') return null;
    throw error;
  }
}
