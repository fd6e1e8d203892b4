/** A destination in a bucket of the fake OSS. */

import type { StagingPlace } from '#core/ports/connection.ts';
import type { PushProvider, Session } from '#core/ports/provider.ts';
import { ossKind } from '#providers/oss/provider.ts';
import { type Connects, here, type PushRig } from '../../contract/push-rig.ts';
import { type FakeOptions, type FakeOss, startFakeOss } from '../../fakes/oss/server.ts';
import type { Key } from '../../fakes/oss/signature.ts';
import { NO_STORE } from '../../support/no-store.ts';

export const KEYS: Key = { accessKeyId: 'LTAI5tEXAMPLE', accessKeySecret: 'a secret of the tests' };

export interface OssRig extends PushRig, AsyncDisposable {
  readonly fake: FakeOss;
  connect(more?: ConnectOptions): PushProvider;
}

export interface ConnectOptions {
  readonly keys?: () => Key;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly staging?: StagingPlace;
}

export type Rule = 'replace' | 'rename' | 'fail';

export async function ossRig(
  onConflict: Rule,
  options: Partial<FakeOptions> = {},
  connects: Connects = here,
): Promise<OssRig> {
  const fake = await startFakeOss({ bucket: 'archive', keys: [KEYS], ...options });
  const prefix = '备份/a';
  const connect = ({ keys = () => KEYS, settings = {}, staging = NO_STORE }: ConnectOptions = {}): PushProvider => {
    const provider = connects(ossKind, {
      destinationId: 'oss',
      deviceId: '00112233445566778899aabbccddeeff',
      settings: { endpoint: fake.endpoint, region: fake.region, bucket: fake.bucket, prefix, onConflict, ...settings },
      credentials: {
        read: async () => credentialsOf(keys()),
        rotate: async (replace) => replace(credentialsOf(keys())),
      },
      clock: { now: Date.now, random: Math.random, sleep: async () => {} },
      staging,
    });
    if (provider.mode !== 'push') throw new Error('not a push provider');
    return provider;
  };
  const bytesAt = (key: string) => fake.store.objects.get(key)?.bytes ?? null;
  return {
    fake,
    connect,
    provider: () => connect(),
    partBytes: 102_400,
    sameName: onConflict === 'rename' ? 'both' : 'last',
    readBack: async ({ folder, name }) => bytesAt(`${prefix}${folder === '/' ? '' : folder}/${name}`),
    readReceipt: async (_item, { location }) => bytesAt(location.slice(`oss://${fake.bucket}/`.length)),
    listFarSide: async () => [...fake.store.objects.keys(), ...fake.store.uploads.keys()],
    expireSession: async (session) => {
      fake.store.uploads.delete(uploadIdOf(session));
    },
    failing: async () => ({
      provider: connect({ keys: () => ({ ...KEYS, accessKeySecret: 'another secret' }) }),
      kind: 'auth',
    }),
    [Symbol.asyncDispose]: () => fake.close(),
  };
}

export function uploadIdOf(session: Session): string {
  const isObject = typeof session === 'object' && session !== null && !Array.isArray(session);
  return isObject ? String(session['uploadId']) : '';
}

function credentialsOf({ accessKeyId, accessKeySecret, stsToken }: Key) {
  return { accessKeyId, accessKeySecret, ...(stsToken === undefined ? {} : { stsToken }) };
}
