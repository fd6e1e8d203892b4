/** What a person says of a CloudDrive2 server, and the login to it. */
import * as z from 'zod';

/** Copied into a mount on this machine · asked for by the server · put by WebDAV. */
export type WayName = z.infer<typeof WayName>;
export const WayName = z.enum(['mount', 'remote', 'webdav']);

const absolute = z
  .string()
  .max(1024)
  .regex(/^(\/|[A-Za-z]:[\\/])/, 'a place is an absolute path')
  .refine((path) => !path.includes('\0'), 'a path has no NUL')
  .transform((path) => (path.length > 1 ? path.replace(/[\\/]+$/, '') : path));

export type CloudDrive2Settings = z.infer<typeof CloudDrive2Settings>;
export const CloudDrive2Settings = z.strictObject({
  /** `nas.lan:19798`; the port is 19798 unless told. */
  address: z
    .string()
    .max(260)
    .regex(/^([\w.-]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?$/, 'an address is like nas.lan:19798'),
  /** Over TLS, for gRPC and WebDAV alike. */
  tls: z.boolean().default(false),
  /** Of a server that signed its own, in PEM. */
  certificate: z
    .string()
    .max(16_384)
    .regex(/^\s*-----BEGIN CERTIFICATE-----/, 'a certificate is in PEM')
    .optional(),
  /** The folder of the virtual tree below which files go: `115/inbox` and `/115/inbox/` are the same one. */
  prefix: z
    .string()
    .max(512)
    .transform((text) => `/${text.replace(/^\/+|\/+$/g, '')}`)
    .default('/'),
  /** Ways that are tried, the first that is open is taken. */
  order: z
    .array(WayName)
    .min(1)
    .refine((ways) => new Set(ways).size === ways.length, 'each way once')
    .default(['mount', 'remote', 'webdav']),
  /** What the server calls `there`, as in its container, is `here` on this machine. */
  mountRoot: z.strictObject({ there: absolute, here: absolute }).optional(),
  /** Where WebDAV is, when it is not at `/dav` of the address. */
  webdav: z
    .url({ protocol: /^https?$/ })
    .max(512)
    .refine((url) => isBare(url), 'the address of WebDAV has no user, no query and no fragment')
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
  onConflict: z.enum(['rename', 'replace', 'fail']).default('rename'),
});

/** An account, or an API token made in CloudDrive2. WebDAV knows no tokens: it has users of its own, or takes the account. */
export type CloudDrive2Login = z.infer<typeof CloudDrive2Login>;
export const CloudDrive2Login = z
  .strictObject({
    userName: z.string().min(1).max(256).optional(),
    password: z.string().min(1).max(1024).optional(),
    /** The secret of the second factor, in Base32. */
    totp: z.string().min(1).max(256).optional(),
    apiToken: z.string().min(1).max(4096).optional(),
    webdavUserName: z.string().min(1).max(256).optional(),
    webdavPassword: z.string().min(1).max(1024).optional(),
  })
  .refine(
    ({ userName, password, apiToken }) =>
      apiToken === undefined ? userName !== undefined && password !== undefined : password === undefined,
    'give a user name and a password, or an API token',
  )
  .refine(
    ({ webdavUserName, webdavPassword }) => (webdavUserName === undefined) === (webdavPassword === undefined),
    'a WebDAV user has a name and a password',
  );

function isBare(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.username === '' && url.search === '' && url.hash === '';
}
