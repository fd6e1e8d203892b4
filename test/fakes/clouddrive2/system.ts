/** Sign-in, and what the server tells of itself. */
import type { Handlers } from './proto.ts';
import type { Serve } from './serve.ts';
import type { World } from './world.ts';

type Names =
  | 'GetSystemInfo'
  | 'GetToken'
  | 'LoginWith2FA'
  | 'GetApiTokenInfo'
  | 'GetRuntimeInfo'
  | 'GetAllCloudApis'
  | 'GetDavServerConfig';

export function systemHandlers(world: World, serve: Serve): Handlers<Names> {
  return {
    GetSystemInfo: serve.unary('GetSystemInfo', () => ({ IsLogin: true, UserName: 'test***@cd', SystemReady: true })),
    GetToken: serve.unary('GetToken', ({ userName, password, totpCode }) =>
      world.accounts.logIn(userName, password, totpCode),
    ),
    LoginWith2FA: serve.unary('LoginWith2FA', ({ userName, password, totp_code }) =>
      world.accounts.logIn(userName, password, totp_code),
    ),
    GetApiTokenInfo: serve.unary('GetApiTokenInfo', ({ value }) => world.accounts.tokenInfo(value)),
    GetRuntimeInfo: serve.unary('GetRuntimeInfo', () => ({
      productName: 'CloudDrive',
      productVersion: world.habits.has('old server') ? '0.8.5' : world.version,
      CloudAPIVersion: '1',
      osInfo: 'linux',
    })),
    GetAllCloudApis: serve.unary('GetAllCloudApis', () => ({
      apis: world.tree.clouds.map(({ name, path, readOnly }) => ({
        name,
        userName: 'tester',
        path,
        readOnly: readOnly === true,
      })),
    })),
    GetDavServerConfig: serve.unary('GetDavServerConfig', () => {
      const [account, ...others] = world.davUsers;
      return {
        davServerEnabled: !world.habits.has('WebDAV is off'),
        davServerPath: '/dav',
        enableClouddriveAccount: account !== undefined,
        clouddriveAccountReadOnly: account?.isReadOnly === true,
        // The root of an account is told as nothing.
        clouddriveAccountRootPath: account?.root === '/' ? '' : (account?.root ?? ''),
        users: others.map(({ userName, password, root, isReadOnly }) => ({
          userName,
          password,
          rootPath: root,
          readOnly: isReadOnly,
          enabled: true,
        })),
      };
    }),
  };
}
