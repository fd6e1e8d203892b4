/** What a person says of a Bilibili account, of the videos that go there, and the login to it. */
import * as z from 'zod';
import { readLogin } from '#clients/bilibili/cookies.ts';
import { BILIBILI_HOSTS } from '#clients/bilibili/hosts.ts';

const host = z
  .url({ protocol: /^https?$/ })
  .max(512)
  .transform((url) => url.replace(/\/+$/, ''));

/** For tests, and for whoever must go through a server of their own. Whoever stands there sees the login. */
const Endpoints = z.strictObject({
  member: host.default(BILIBILI_HOSTS.member),
  api: host.default(BILIBILI_HOSTS.api),
  passport: host.default(BILIBILI_HOSTS.passport),
  www: host.default(BILIBILI_HOSTS.www),
  /** SPKI in base64: with which the page of a renewal is asked for. */
  publicKey: z
    .string()
    .regex(/^[0-9A-Za-z+/=]{100,1000}$/)
    .default(BILIBILI_HOSTS.publicKey),
  uposScheme: z.enum(['https', 'http']).default(BILIBILI_HOSTS.uposScheme),
});

const Tag = z
  .string()
  .trim()
  .regex(/^[^,，\p{Cc}]{1,20}$/u, 'a tag has 1 to 20 characters and no comma');

const Tags = z
  .union([z.array(z.string()), z.string().transform((text) => text.split(/[,，]/).filter((one) => one.trim() !== ''))])
  .pipe(z.array(Tag).min(1).max(10));

export type BilibiliSettings = z.infer<typeof BilibiliSettings>;
export const BilibiliSettings = z
  .strictObject({
    /** The partition, a number of Bilibili's. */
    tid: z
      .union([
        z.int(),
        z
          .string()
          .trim()
          .regex(/^\d{1,9}$/)
          .transform(Number),
      ])
      .pipe(z.int().min(1)),
    /** A list, or `a, b`. */
    tags: Tags,
    /** 1: made by the account's owner, 2: from elsewhere, which `source` names. */
    copyright: z.literal([1, 2]).default(1),
    source: z.string().trim().min(1).max(200).optional(),
    /** `{name}`: the file's name without its extension; `{folder}`: that of the folder which it is in. */
    title: z.string().trim().min(1).max(200).default('{name}'),
    /** The same stands for the same. */
    desc: z.string().max(2000).default(''),
    /** `folder`: the files of one folder become the parts of one video. */
    join: z.enum(['never', 'folder']).default('never'),
    /** A picture that Bilibili has already, for all videos: the address of the cover of an earlier one. */
    cover: z
      .url({ protocol: /^https?$/, hostname: /^([\w-]+\.)+(hdslb|biliimg)\.com$/ })
      .max(400)
      .optional(),
    /** Nobody else sees the video. */
    onlySelf: z.boolean().default(false),
    noReprint: z.boolean().default(false),
    /** `upload-only`: the bytes are there, for some days, and a person submits them elsewhere. */
    publish: z.enum(['submit', 'upload-only']).default('submit'),
    /** `bda2`, `jd_bd`: the line to take. Else the first to answer. */
    line: z
      .string()
      .regex(/^[a-z][a-z0-9_-]{1,23}$/)
      .optional(),
    profile: z
      .string()
      .regex(/^[a-z]{2,16}\/[a-z0-9-]{2,16}$/)
      .default('ugcupos/bup'),
    /** Bilibili was seen to stop an account after about 20 files in an hour, or 10 in a row. */
    submissionsPerHour: z.int().min(1).max(20).default(12),
    /** From the beginning of one file to that of the next. */
    spacingSeconds: z.int().min(0).max(3600).default(60),
    /** For 10 MiB. */
    partTimeoutSeconds: z.int().min(10).max(1200).default(240),
    endpoints: Endpoints.prefault({}),
  })
  .refine(({ copyright, source }) => copyright === 1 || source !== undefined, {
    path: ['source'],
    message: 'say where the videos are from, or that they are your own (copyright 1)',
  });

const Cookies = z.union([z.string().max(16_384), z.record(z.string(), z.unknown())]);
const Token = z.string().regex(/^[\x21-\x7e]{1,1024}$/);

/**
 * The cookies of a browser: `SESSDATA=…; bili_jct=…`, pairs by name, or what other programs keep as `cookies.json`, as text or as
 * JSON. Kept as pairs by name. Without a refresh token, which may stand among the pairs as `ac_time_value`, it cannot be renewed.
 */
export type BilibiliLogin = z.infer<typeof BilibiliLogin>;
export const BilibiliLogin = z
  .strictObject({
    cookies: Cookies,
    /** Epoch milliseconds of the login's end, where it is known. */
    expiresAtMs: z.int().exactOptional(),
    refreshToken: Token.exactOptional(),
    /** Epoch milliseconds of the last renewal. */
    renewedAtMs: z.int().exactOptional(),
    /** The token that this login was renewed with, until Bilibili has heard that it has arrived. */
    spentToken: Token.exactOptional(),
    /** Epoch milliseconds: since then it is known that this login cannot be renewed. */
    refusedAtMs: z.int().exactOptional(),
  })
  .transform(({ cookies, ...known }, context) => {
    const login = readLogin(cookies);
    if (login !== null) return { ...login, ...known };
    context.issues.push({
      code: 'custom',
      path: ['cookies'],
      message: 'this is no login of Bilibili: SESSDATA and bili_jct are needed',
      input: undefined,
    });
    return z.NEVER;
  });
