/** Who may call: accounts with a password and perhaps a second factor, their tokens that expire, and API tokens with rights and a root. */
import { status } from '@grpc/grpc-js';
import type { JWTToken } from '#proto/generated/clouddrive/JWTToken.ts';
import type { TokenInfo } from '#proto/generated/clouddrive/TokenInfo.ts';
import type { TokenPermissions } from '#proto/generated/clouddrive/TokenPermissions.ts';
import type { Rpc } from './proto.ts';
import { Refusal } from './refusal.ts';

export type Right = Exclude<keyof TokenPermissions, number>;

export interface Account {
  readonly userName: string;
  readonly password: string;
  /** Any of these is asked for besides the password. */
  readonly codes?: readonly string[];
}

export interface ApiToken {
  readonly token: string;
  /** Becomes `/` for its bearer. */
  readonly rootDir: string;
  /** `all`: nothing is refused. */
  readonly rights: readonly Right[] | 'all';
}

export interface Caller {
  readonly token: string;
  readonly rootDir: string;
}

export interface Accounts {
  /** Throws UNAUTHENTICATED and PERMISSION_DENIED. */
  admit(rpc: Rpc, authorization: string | undefined): Caller;
  logIn(userName: string, password: string, code: string | undefined): JWTToken;
  tokenInfo(token: string): TokenInfo;
  /** Every token of an account is refused from now on, whatever it says of its end. */
  revokeAll(): void;
}

/** `ttlMs`: how long a token that was got by a password holds. */
export function accounts(
  people: readonly Account[],
  apiTokens: readonly ApiToken[],
  ttlMs: number,
  now: () => number,
): Accounts {
  const issued = new Map<string, number>();
  let count = 0;

  function bearerOf(authorization: string | undefined): string {
    const token = authorization?.startsWith('Bearer ') === true ? authorization.slice('Bearer '.length) : '';
    const api = apiTokens.some((one) => one.token === token);
    const endsAtMs = issued.get(token);
    if (!api && (endsAtMs === undefined || endsAtMs <= now())) {
      throw new Refusal(status.UNAUTHENTICATED, 'invalid token');
    }
    return token;
  }

  return {
    admit: (rpc, authorization) => {
      if (PUBLIC.has(rpc)) return { token: '', rootDir: '/' };
      const token = bearerOf(authorization);
      const api = apiTokens.find((one) => one.token === token);
      const right = RIGHTS[rpc];
      if (api !== undefined && api.rights !== 'all' && right !== undefined && !api.rights.includes(right)) {
        throw new Refusal(status.PERMISSION_DENIED, `permission denied: ${right}`);
      }
      return { token, rootDir: api?.rootDir ?? '/' };
    },
    logIn: (userName, password, code) => {
      const account = people.find((one) => one.userName === userName && one.password === password);
      if (account === undefined) return { success: false, errorMessage: 'wrong user name or password' };
      if (account.codes !== undefined && (code === undefined || !account.codes.includes(code))) {
        return { success: false, errorMessage: 'two-factor code required' };
      }
      count += 1;
      const token = `eyJ-${userName}-${count}`;
      const endsAtMs = now() + ttlMs;
      issued.set(token, endsAtMs);
      return { success: true, token, expiration: { seconds: Math.floor(endsAtMs / 1000), nanos: 0 } };
    },
    tokenInfo: (token) => {
      const api = apiTokens.find((one) => one.token === token);
      if (api === undefined) throw new Refusal(status.NOT_FOUND, 'token not found');
      const rights = api.rights === 'all' ? Object.values(RIGHTS) : api.rights;
      const permissions = Object.fromEntries(rights.map((right) => [right, true]));
      return { token, rootDir: api.rootDir, permissions, friendly_name: 'test' };
    },
    revokeAll: () => issued.clear(),
  };
}

const PUBLIC: ReadonlySet<Rpc> = new Set<Rpc>([
  'GetSystemInfo',
  'GetToken',
  'Login',
  'GetApiTokenInfo',
  'LoginWith2FA',
]);

const RIGHTS: Partial<Record<Rpc, Right>> = {
  GetRuntimeInfo: 'allow_view_runtime_info',
  GetRunningInfo: 'allow_view_runtime_info',
  GetAllCloudApis: 'allow_get_cloud_apis',
  GetDavServerConfig: 'allow_get_dav_config',
  CanAddMoreMountPoints: 'allow_get_mounts',
  GetMountPoints: 'allow_get_mounts',
  AddMountPoint: 'allow_modify_mounts',
  RemoveMountPoint: 'allow_modify_mounts',
  Mount: 'allow_modify_mounts',
  Unmount: 'allow_modify_mounts',
  UpdateMountPoint: 'allow_modify_mounts',
  GetSubFiles: 'allow_list',
  GetSearchResults: 'allow_search',
  FindFileByPath: 'allow_list',
  CreateFolder: 'allow_create_folder',
  RenameFile: 'allow_rename',
  MoveFile: 'allow_move',
  CopyFile: 'allow_copy',
  DeleteFile: 'allow_delete',
  DeleteFiles: 'allow_delete',
  DeleteFilePermanently: 'allow_delete_permanently',
  GetSpaceInfo: 'allow_get_space_info',
  GetDownloadUrlPath: 'allow_read',
  CreateFile: 'allow_create_file',
  WriteToFile: 'allow_create_file',
  WriteToFileStream: 'allow_create_file',
  CloseFile: 'allow_create_file',
  GetUploadFileCount: 'allow_get_transfer_tasks',
  GetUploadFileList: 'allow_get_transfer_tasks',
  GetAllTasksCount: 'allow_get_transfer_tasks',
  CancelUploadFiles: 'allow_modify_transfer_tasks',
  PauseUploadFiles: 'allow_modify_transfer_tasks',
  ResumeUploadFiles: 'allow_modify_transfer_tasks',
  StartRemoteUpload: 'allow_write',
  PushMessage: 'allow_push_message',
};
