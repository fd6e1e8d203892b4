/** What a person says of a 115 account, and the login to it. */
import * as z from 'zod';
import { COOKIE_HOSTS } from '#clients/pan115/cookie/hosts.ts';
import { SAMPLE_BYTES_MAX } from '#clients/pan115/cookie/sample.ts';
import { OPEN_HOSTS } from '#clients/pan115/open/hosts.ts';
import { OpenTokens } from '#clients/pan115/open/tokens.ts';

const host = z
  .url({ protocol: /^https?$/ })
  .max(512)
  .transform((url) => url.replace(/\/+$/, ''));

/** For tests, and for whoever must go through a server of their own. Whoever stands there sees the login. */
const Endpoints = z.strictObject({
  api: host.default(OPEN_HOSTS.api),
  passport: host.default(OPEN_HOSTS.passport),
  qrcode: host.default(OPEN_HOSTS.qrcode),
  upload: host.default(COOKIE_HOSTS.upload),
  web: host.default(COOKIE_HOSTS.web),
  /** 115's point on P-224, X and Y, with which the cookie way is sealed. */
  publicKey: z
    .string()
    .regex(/^[0-9a-f]{112}$/)
    .default(COOKIE_HOSTS.publicKey),
  /** Else the one that 115 names with the keys. */
  oss: host.optional(),
  /** `host/bucket/key`: 115's bucket refuses it. */
  ossPathStyle: z.boolean().default(false),
});

export type Pan115Settings = z.infer<typeof Pan115Settings>;
export const Pan115Settings = z.strictObject({
  /** Of the application that a person has registered at open.115.com: the login by QR code asks for it. */
  clientId: z
    .string()
    .regex(/^[0-9A-Za-z]{1,32}$/)
    .optional(),
  /** Below which files go; `备份/a` and `/备份/a/` are the same one. */
  prefix: z
    .string()
    .max(1024)
    .transform((text) => text.replace(/^\/+|\/+$/g, ''))
    .default(''),
  /** `both`: a folder of 115 holds many files of one name. */
  onConflict: z.enum(['both', 'rename', 'fail']).default('both'),
  /** 115 counts by account, over all that ask in its name: 4 go well, 5 bring ten minutes of silence. */
  requestsPerSecond: z.number().min(0.1).max(3).default(2),
  /** The cookie way is brittle and may cost the account: README.md of the client says why. */
  allowCookie: z.boolean().default(false),
  /** Of the files that a cookie's account sends as a form; 0 sends none so. */
  formBytesMax: z.int().min(0).max(SAMPLE_BYTES_MAX).default(SAMPLE_BYTES_MAX),
  endpoints: Endpoints.prefault({}),
});

/**
 * The open platform's pair, whose end is 0 where it is not known: then it is renewed before the first use. Or a cookie,
 * `UID=…; CID=…; SEID=…` as a browser has it.
 */
export type Pan115Login = z.infer<typeof Pan115Login>;
export const Pan115Login = z
  .strictObject({
    accessToken: OpenTokens.shape.accessToken.optional(),
    refreshToken: OpenTokens.shape.refreshToken.optional(),
    expiresAtMs: OpenTokens.shape.expiresAtMs.optional(),
    cookie: z.string().min(1).max(4096).optional(),
  })
  .refine(
    ({ accessToken, refreshToken, cookie }) =>
      cookie === undefined ? accessToken !== undefined && refreshToken !== undefined : refreshToken === undefined,
    'give both tokens of the open platform, or a cookie',
  );
