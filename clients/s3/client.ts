/** One S3 client for AWS and everything that speaks its protocol. Reads no environment and no profile files, but for the keys of a runtime. */
import { S3Client } from '@aws-sdk/client-s3';
import { takingStreams } from '#runtime/aws.ts';
import { type AwsBounds, awsSettings } from '../aws.ts';

export interface S3Place {
  /** `https://host[:port]`; absent: AWS's own endpoint of the region. */
  readonly endpoint?: string;
  readonly region: string;
  /** `host/bucket/key` instead of `bucket.host/key`. */
  readonly forcePathStyle: boolean;
}

export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Of keys that a role has for a while; what is signed with them is void from then on. */
  readonly expiration?: Date;
}

/** Brings the keys of the moment. */
export type KeySource = () => Promise<S3Keys>;

export type S3Config = S3Place & Omit<S3Keys, 'expiration'>;

const BOUNDS: AwsBounds = {
  // The engine has a backoff of its own, with a lease to mind: here only a blip is bridged.
  attemptsMax: 2,
  // To one store: 3 files of 5 parts in flight, with room for LISTs, for removals and for a raised limit.
  socketsMax: 64,
  connectMs: 5_000,
  idleMs: 60_000,
};

/** The caller ends it with `destroy()`, which closes the idle sockets. */
export function s3Client(config: S3Config): S3Client {
  const { accessKeyId, secretAccessKey, sessionToken } = config;
  return clientAt(config, { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) });
}

/** With the keys that the runtime gives, a function's role or a container's: looked up at the first call, renewed in time. */
export function s3RuntimeClient(place: S3Place): { readonly client: S3Client; readonly keys: KeySource } {
  const client = clientAt(place);
  return { client, keys: () => client.config.credentials() };
}

/** The endpoint as configured, or AWS's for the region. */
export function s3Endpoint({
  endpoint,
  region,
}: {
  readonly endpoint?: string | undefined;
  readonly region: string;
}): string {
  return endpoint ?? `https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

function clientAt(config: S3Place, credentials?: S3Keys): S3Client {
  const client = new S3Client({
    ...awsSettings(BOUNDS),
    endpoint: s3Endpoint(config),
    region: config.region,
    forcePathStyle: config.forcePathStyle,
    ...(credentials === undefined ? {} : { credentials }),
    // Stores other than AWS refuse the checksums that the SDK adds by default, and do not send the ones it looks for.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // With it the SDK opens a connection of its own for each large body, and closes it afterwards.
    expectContinueHeader: false,
    // As those of `awsSettings`: looked up when they are left out.
    useArnRegion: false,
    disableS3ExpressSessionAuth: true,
    disableMultiregionAccessPoints: true,
  });
  return takingStreams(client);
}
