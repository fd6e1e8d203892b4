/** The way to one bucket: a client for the keys of the day, and what has been learnt of the store since the process began. */
import type { S3Client } from '@aws-sdk/client-s3';
import { s3Client } from '#clients/s3/client.ts';
import type { Connection, StagingPlace } from '#core/ports/connection.ts';
import type { Item } from '#core/ports/provider.ts';
import { keyOf } from './keys.ts';
import type { Proof } from './session.ts';
import type { S3Credentials, S3Settings } from './settings.ts';

export interface Traits {
  readonly proof: Proof;
  /** Whether these keys can see the staging bucket, in the same store. */
  readonly copies: boolean;
}

/** Known to this process only; another one learns it anew. */
export interface Learnt {
  traits: Traits | null;
  /** A copy was refused for a reason that holds for every copy. */
  copyingIsRefused: boolean;
  /** The store refuses `If-None-Match` where the end of an upload has it. */
  conditionsAreRefused: boolean;
}

export interface Link {
  readonly settings: S3Settings;
  readonly bucket: string;
  readonly staging: StagingPlace;
  readonly learnt: Learnt;
  /** The key of the n-th name of the item. Throws Fault `rejected` `s3.key_too_long`. */
  keyOf(item: Item, n: number): string;
  /** One request. Rejects with the signal's reason once it has aborted, else with what the SDK threw. */
  call<T>(
    signal: AbortSignal,
    request: (client: S3Client, http: { readonly abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T>;
}

export function link({ settings, credentials, staging }: Connection<S3Settings, S3Credentials>): Link {
  let current: { readonly keys: string; readonly client: S3Client } | null = null;

  async function client(): Promise<S3Client> {
    const secret = await credentials.read();
    const keys = JSON.stringify(secret);
    // The old one may have requests under way; its sockets close by themselves once they are idle.
    if (current?.keys !== keys) current = { keys, client: clientFor(settings, secret) };
    return current.client;
  }

  return {
    settings,
    bucket: settings.bucket,
    staging,
    learnt: { traits: null, copyingIsRefused: false, conditionsAreRefused: false },
    keyOf: (item, n) => keyOf(settings.prefix, item, n),
    call: async (signal, request) => {
      signal.throwIfAborted();
      try {
        return await request(await client(), { abortSignal: signal });
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      }
    },
  };
}

function clientFor({ endpoint, region, forcePathStyle }: S3Settings, secret: S3Credentials): S3Client {
  const { accessKeyId, secretAccessKey, sessionToken } = secret;
  return s3Client({
    region,
    accessKeyId,
    secretAccessKey,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(sessionToken === undefined ? {} : { sessionToken }),
    forcePathStyle: forcePathStyle ?? endpoint !== undefined,
  });
}
