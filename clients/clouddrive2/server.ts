/** What the server tells of itself, and what is the matter with one that tells nothing. */
import { status } from '@grpc/grpc-js';
import { Fault } from '#core/fault.ts';
import type { CloudDriveSystemInfo__Output } from '#proto/generated/clouddrive/CloudDriveSystemInfo.ts';
import type { DavServerConfig__Output } from '#proto/generated/clouddrive/DavServerConfig.ts';
import { type Calls, QUICK } from './calls.ts';
import { AREA, compareVersions, REMOTE_UPLOAD_SINCE, Refused } from './faults.ts';
import { service } from './interface.ts';
import type { Time } from './time.ts';

export interface ServerInfo {
  /** Started up, and signed in to its own account. */
  readonly isReady: boolean;
  readonly isSignedIn: boolean;
  /** Empty when it says nothing. */
  readonly message: string;
}

export interface Cloud {
  readonly name: string;
  /** Its folder in the virtual tree; null for a server that does not say. */
  readonly path: string | null;
  readonly isReadOnly: boolean;
}

/** Who may come in by WebDAV, without their passwords. Roots are virtual paths: what stands behind `/` there. */
export interface DavConfig {
  readonly isEnabled: boolean;
  /** The account of CloudDrive2 itself; null where it may not. */
  readonly account: DavAccess | null;
  readonly users: readonly (DavAccess & { readonly userName: string })[];
}

export interface DavAccess {
  readonly root: string;
  readonly isReadOnly: boolean;
}

/**
 * `down`: nobody listens there · `unreachable`: the network · `silent`: it takes calls and does not answer · `starting`: not ready, or
 * not signed in · `auth`: our token · `fine`: none of these
 */
export interface Diagnosis {
  readonly kind: 'fine' | 'down' | 'unreachable' | 'silent' | 'starting' | 'auth';
  readonly message: string;
}

export interface ServerCalls {
  /** Needs no token. */
  getServerInfo(signal: AbortSignal): Promise<ServerInfo>;
  /** `1.0.13`; null where the token may not ask. Remembered for five minutes. */
  serverVersion(signal: AbortSignal): Promise<string | null>;
  /** Throws Fault `clouddrive2.old_server` for one that has no remote upload yet. */
  mustKnowRemoteUpload(signal: AbortSignal): Promise<void>;
  cloudList(signal: AbortSignal): Promise<readonly Cloud[]>;
  davConfig(signal: AbortSignal): Promise<DavConfig>;
  /** Asks without and with a token, each twice for 5 s at most. Never rejects but by the signal. */
  diagnose(signal: AbortSignal): Promise<Diagnosis>;
}

const REMEMBER_MS = 5 * 60_000;
/** Twice, because the first may only meet the end of the connection that the server left behind. */
const PROBE = { deadlineMs: 5000, tries: 2 };

export function serverOver(calls: Calls, time: Time): ServerCalls {
  let known: { readonly version: string; readonly atMs: number } | undefined;

  const serverVersion: ServerCalls['serverVersion'] = async (signal) => {
    if (known !== undefined && time.now() - known.atMs < REMEMBER_MS) return known.version;
    try {
      const { productVersion } = await calls.unary(service.GetRuntimeInfo, {}, QUICK, signal);
      known = { version: productVersion, atMs: time.now() };
      return productVersion;
    } catch (error) {
      if (error instanceof Fault && error.code === `${AREA}.no_right`) return null;
      throw error;
    }
  };

  return {
    serverVersion,
    getServerInfo: async (signal) => infoOf(await calls.unaryInPublic(service.GetSystemInfo, {}, QUICK, signal)),
    mustKnowRemoteUpload: async (signal) => {
      const version = await serverVersion(signal);
      if (version === null || compareVersions(version, REMOTE_UPLOAD_SINCE) >= 0) return;
      const text = `CloudDrive2 is of version ${version}, and remote uploads came with ${REMOTE_UPLOAD_SINCE}: update it`;
      throw new Fault('rejected', `${AREA}.old_server`, text);
    },
    cloudList: async (signal) => {
      const { apis } = await calls.unary(service.GetAllCloudApis, {}, QUICK, signal);
      return apis.map(({ name, path, readOnly }) => ({ name, path: path ?? null, isReadOnly: readOnly }));
    },
    davConfig: async (signal) => davConfigOf(await calls.unary(service.GetDavServerConfig, {}, QUICK, signal)),
    diagnose: async (signal) => {
      try {
        const info = infoOf(await calls.unaryInPublic(service.GetSystemInfo, {}, PROBE, signal));
        if (!info.isReady) return { kind: 'starting', message: `CloudDrive2 is not ready yet. ${info.message}`.trim() };
        await calls.unary(service.GetRuntimeInfo, {}, PROBE, signal);
        return FINE;
      } catch (error) {
        signal.throwIfAborted();
        return diagnosisOf(error);
      }
    },
  };
}

const FINE: Diagnosis = { kind: 'fine', message: 'CloudDrive2 answers and knows us' };

function infoOf({ SystemReady, IsLogin, SystemMessage }: CloudDriveSystemInfo__Output): ServerInfo {
  // Servers before 0.9.9 say neither whether they are ready nor anything about it.
  const isStarted = SystemReady || SystemMessage === undefined;
  return { isReady: isStarted && IsLogin, isSignedIn: IsLogin, message: SystemMessage ?? '' };
}

function davConfigOf(told: DavServerConfig__Output): DavConfig {
  const account = { root: told.clouddriveAccountRootPath || '/', isReadOnly: told.clouddriveAccountReadOnly };
  return {
    isEnabled: told.davServerEnabled,
    account: told.enableClouddriveAccount ? account : null,
    users: told.users
      .filter(({ enabled }) => enabled)
      .map(({ userName, rootPath, readOnly }) => ({ userName, root: rootPath || '/', isReadOnly: readOnly })),
  };
}

function diagnosisOf(error: unknown): Diagnosis {
  const text = error instanceof Error ? error.message : 'unknown error';
  // A token that may not ask for the version is a token all the same.
  if (error instanceof Fault && error.code === `${AREA}.no_right`) return FINE;
  if (error instanceof Fault && error.kind === 'auth') return { kind: 'auth', message: text };
  const refused = error instanceof Fault && error.cause instanceof Refused ? error.cause : undefined;
  if (refused?.code === status.DEADLINE_EXCEEDED) {
    return { kind: 'silent', message: 'CloudDrive2, or a proxy before it, takes calls and does not answer' };
  }
  if (refused?.message.includes('ECONNREFUSED') === true) {
    return { kind: 'down', message: 'nothing listens at the address of CloudDrive2: is it running?' };
  }
  return { kind: 'unreachable', message: text };
}
